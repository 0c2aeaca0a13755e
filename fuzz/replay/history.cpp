#include "fuzz/replay/history.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "fuzz/replay/build.hpp"
#include "fuzz/replay/json.hpp"
#include "fuzz/replay/outcome.hpp"
#include "fuzz/replay/scene.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

constexpr std::size_t largest_history = std::size_t{64} << 20;  // bytes; a browser gives up on more

class Historian {
 public:
  Historian(int file, Scene& scene) : file_{file}, scene_{scene} { call_log = &calls_; }

  void operator()(Runner& runner, const Operation* operation) {
    if (written_ > largest_history) return;
    std::string step = "{\"name\":" + quoted(operation     ? to_text(*operation)
                                             : steps_ == 0 ? scene_.beginning()
                                                           : scene_.end());
    scene_.look(runner, calls_);
    step += ",\"calls\":[";
    for (const CallRecord& call : calls_) step += (step.back() == '[' ? "" : ",") + scene_.call(call);
    step += "],\"caches\":[";
    for (std::size_t c = 0; c < runner.setup().cache_count; ++c) step += (c == 0 ? "" : ",") + scene_.counts(runner, c);
    step += "],\"slabs\":{";
    std::map<std::string, std::string> cards = scene_.cards(runner);
    if (const LiveRange& object = runner.rejected(); object.begin != object.end)
      cards["rejected"] = "{\"cache\":" + decimal(object.cache) +
                          ",\"at\":" + quoted(address_text(address_on_page(object.begin))) +
                          ",\"end\":" + quoted(address_text(address_on_page(object.end))) +
                          ",\"size\":" + decimal(object.end - object.begin) +
                          ",\"rejected\":" + quoted(name_of_object(object.ordinal)) + "}";
    for (const auto& [name, text] : cards)
      if (const auto known = cards_.find(name); known == cards_.end() || known->second != text)
        step += (step.back() == '{' ? "" : ",") + quoted(name) + ":" + text;
    for (const auto& [name, text] : cards_)
      if (!cards.contains(name)) step += (step.back() == '{' ? "" : ",") + quoted(name) + ":null";
    cards_ = std::move(cards);
    write((steps_ == 0 ? "" : ",\n") + step + "}}");
    ++steps_;
    calls_.clear();
  }

 private:
  void write(const std::string& text) {
    written_ += text.size();
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t done = ::write(file_, text.data() + at, text.size() - at);
      if (done < 0) return;
      at += static_cast<std::size_t>(done);
    }
  }

  int file_;
  Scene& scene_;
  std::vector<CallRecord> calls_;
  std::map<std::string, std::string> cards_;  // as they were after the last step
  std::size_t steps_ = 0, written_ = 0;
};

}  // namespace

std::string address_text(std::uint64_t address) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
  return text;
}

std::uint64_t address_on_page(std::uintptr_t address) {
  constexpr std::uintptr_t end_of_arena = std::uintptr_t{1} << 32;
  const std::uintptr_t relative = address - Arena::default_base;
  return relative < end_of_arena ? relative : address;
}

History history_of(Runner& runner, const Program& program) {
  const int file = memfd_create("history", MFD_CLOEXEC);
  if (file < 0) cannot_judge(std::strerror(errno));
  const std::unique_ptr<Scene> scene = make_scene();
  Historian historian{file, *scene};
  IsolationOptions options;
  options.after_step = [&](Runner& running, const Operation* operation) { historian(running, operation); };
  History history{run_isolated(runner, program, options), ""};
  call_log = nullptr;
  std::string steps(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
  const bool read = pread(file, steps.data(), steps.size(), 0) == static_cast<ssize_t>(steps.size());
  close(file);
  if (!read || steps.size() > largest_history) return history;

  const Verdict& verdict = history.run.verdict;
  const bool violated = verdict.kind == Verdict::Kind::Violated;
  std::string frames;
  for (const std::string& frame : verdict.frames) frames += (frames.empty() ? "" : ",") + quoted(frame);
  history.json = "{" + scene->about(program.setup) + ",\n\"beginning\":" + quoted(scene->beginning()) +
                 ",\"end\":" + quoted(scene->end()) + ",\n\"trace\":" + quoted(to_text(program)) +
                 ",\n\"verdict\":{\"kind\":" + quoted(outcome_of(verdict.kind)) + ",\"step\":" + decimal(verdict.step) +
                 ",\"operation\":" + quoted(to_string(verdict.operation)) +
                 ",\"sentence\":" + quoted(verdict.sentence()) + ",\"signature\":" + quoted(verdict.signature()) +
                 ",\"invariant\":" + quoted(to_string(violated ? verdict.violation.invariant : verdict.due_invariant)) +
                 ",\"expected\":" + quoted(violated ? verdict.violation.expected : verdict.due) +
                 ",\"death\":" + quoted(verdict.death) + ",\"frames\":[" + frames + "]" +
                 ",\"observed\":" + quoted(verdict.violation.observed) +
                 ",\"report\":" + quoted(verdict.kind == Verdict::Kind::Died ? history.run.report : "") +
                 "},\n\"build\":{\"commit\":" + quoted(build_commit()) + ",\"compiler\":" + quoted(build_compiler()) +
                 "},\n\"steps\":[\n" + steps + "]}";
  return history;
}

}  // namespace slabproof
