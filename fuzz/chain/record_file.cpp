#include "fuzz/chain/record_file.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace slabproof {
namespace {

constexpr std::size_t window_size = std::size_t{4} << 20;  // far longer than any input
constexpr std::size_t spared_bytes = std::size_t{32} << 20;  // of the disk, left for finds
constexpr int kept_files = 8;
constexpr std::size_t page = 4096;

RecordFile* of_this_process = nullptr;

bool is_almost_full(int file) {
  struct statvfs disk{};
  return fstatvfs(file, &disk) != 0 || disk.f_bavail * disk.f_frsize < spared_bytes + window_size;
}

/// Allocates disk blocks instead of a hole: on a full disk, writing to the mapping of a hole is a SIGBUS.
bool allocate(int file, std::size_t offset, std::size_t size) {
  int error;
  do error = posix_fallocate(file, static_cast<off_t>(offset), static_cast<off_t>(size));
  while (error == EINTR);
  return error == 0;
}

/// Frees the name: the file that had it gets the first free one of the other names, or is removed.
void move_aside(const std::string& path) {
  for (int i = 0; i < kept_files; ++i)
    if (const std::string other = path + "." + std::to_string(i); access(other.c_str(), F_OK) != 0) {
      (void)std::rename(path.c_str(), other.c_str());
      return;
    }
  unlink(path.c_str());
}

}  // namespace

RecordFile::RecordFile(InputKind kind) {
  const char *const path = std::getenv("SLABPROOF_RECORD"), *const limit = std::getenv("SLABPROOF_RECORD_BYTES");
  if (!path || !*path) return;
  path_ = path;
  char* end = nullptr;
  limit_ = limit ? std::strtoull(limit, &end, 10) : 0;
  if (limit && (end == limit || *end != '\0')) {
    std::fprintf(stderr, "SLABPROOF_RECORD_BYTES=%s: no number of bytes\n", limit);
    std::_Exit(2);
  }
  if (limit_ == 0) limit_ = std::size_t{256} << 20;
  begin(chain_header(kind));
  of_this_process = this;
  pthread_atfork(nullptr, nullptr, [] { of_this_process->begin_in_fork(); });
}

void RecordFile::begin(const std::string& content) {
  move_aside(path_);
  file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0 || content.size() > window_size || !map(0)) return give_up();
  std::memcpy(at_, content.data(), content.size());
  at_ += content.size();
}

/// A forked child has the history of its parent, but must not write to the parent's file.
void RecordFile::begin_in_fork() {
  if (file_ < 0) return;
  const std::string content{window_, at_};
  munmap(window_, window_size);
  close(file_);
  if (offset_ != 0) {  // its beginning is no longer mapped; no engine forks so late
    file_ = -1;
    window_ = at_ = end_ = nullptr;
    return;
  }
  begin(content);
}

bool RecordFile::map(std::size_t offset) {
  if (is_almost_full(file_) || !allocate(file_, offset, window_size)) return false;
  void* const memory =
      mmap(nullptr, window_size, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(offset));
  if (memory == MAP_FAILED) return false;
  offset_ = offset;
  at_ = window_ = static_cast<char*>(memory);
  end_ = window_ + window_size;
  return true;
}

bool RecordFile::grow(std::size_t size) {
  if (file_ < 0) return false;
  const auto used = static_cast<std::size_t>(at_ - window_);
  const std::size_t begin = used / page * page;
  full_ = offset_ + used >= limit_;
  munmap(window_, window_size);
  window_ = nullptr;
  if (head_size + size > window_size - page || !map(offset_ + begin)) return give_up(), false;
  at_ += used - begin;
  return true;
}

/// A record that does not reach back to the start is useless and takes room.
void RecordFile::give_up() {
  if (window_) munmap(window_, window_size);
  if (file_ >= 0) {
    close(file_);
    unlink(path_.c_str());
  }
  file_ = -1;
  window_ = at_ = end_ = nullptr;
}

void RecordFile::end_process() {
  full_ = false;
  struct sigaction action{};
  const bool heard =
      sigaction(SIGUSR1, nullptr, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
  if (heard)
    (void)raise(SIGUSR1);
  else
    _exit(0);
}

}  // namespace slabproof
