#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "fuzz/chain/chain.hpp"

namespace slabproof {

/// Every input that this process has run since its start, as a chain (chain.hpp) in the file that SLABPROOF_RECORD
/// names: an input that fails only after others cannot be reproduced without them. The file outlives the process,
/// however that dies. Without the variable nothing is recorded.
///
///     FILE            of the process at work, or of the last one
///     FILE.0 to .7    of those before it, whose failing inputs the engine may not have saved yet (AFL++ forks the
///                     next process at once). Whoever looks takes them away; while all are there, none is added.
///
/// A record reaches back to the start of its process, or does not exist. When it has SLABPROOF_RECORD_BYTES (256 MiB),
/// the process ends after that input, gracefully if the engine handles SIGUSR1, and the engine starts the next one. On
/// a disk that is almost full the record is given up instead.
class RecordFile {
 public:
  explicit RecordFile(InputKind kind);
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  /// Records an input before it is run, and ends the process after it if the record is full.
  class Input {
   public:
    Input(RecordFile& record, const std::uint8_t* data, std::size_t size) : record_{record} { record.add(data, size); }
    ~Input() {
      if (record_.full_) record_.end_process();
    }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

   private:
    RecordFile& record_;
  };

 private:
  static constexpr std::size_t head_size = 2 * sizeof(std::uint32_t);

  void add(const std::uint8_t* data, std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < head_size + size && !grow(size)) return;
    const std::uint32_t times = 1, bytes = static_cast<std::uint32_t>(size);
    std::memcpy(at_ + sizeof times, &bytes, sizeof bytes);
    std::memcpy(at_ + head_size, data, size);
    // `times` is written last: if the process is killed before that, the record ends with the input before.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    std::memcpy(at_, &times, sizeof times);
    at_ += head_size + size;
  }
  void begin(const std::string& content);
  void begin_in_fork();
  bool grow(std::size_t size);
  bool map(std::size_t offset);
  void give_up();
  void end_process();

  std::string path_;
  std::size_t limit_ = 0;
  int file_ = -1;  // negative if nothing is recorded; then the window is empty
  char* window_ = nullptr;  // a part of the file
  std::size_t offset_ = 0;  // of the window in the file
  char *at_ = nullptr, *end_ = nullptr;  // in the window: where the next input goes; its end
  bool full_ = false;
};

}  // namespace slabproof
