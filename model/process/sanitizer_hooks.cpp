// What the sanitizers call in a process that judges something.
#include "model/process/sanitizer_hooks.hpp"

#include <unistd.h>
#include <unwind.h>

#include <string_view>

#include "model/execution/event_log.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/process/watchdog.hpp"

namespace {

bool brief_reports = false;
std::uint64_t* stack_digest = nullptr;

/// What AddressSanitizer is about to report, in its words.
const char* description() {
#if defined(SLABPROOF_ASAN)
  return __asan_get_report_description();
#else
  return "";
#endif
}

void note_stack() {
  constexpr std::uint64_t deepest = 64;
  slabproof::EventLog stack;
  const auto add_frame = [](_Unwind_Context* frame, void* log) {
    auto& frames = *static_cast<slabproof::EventLog*>(log);
    frames.add(_Unwind_GetIP(frame));
    return frames.count() < deepest ? _URC_NO_REASON : _URC_END_OF_STACK;
  };
  if (!stack_digest) return;
  _Unwind_Backtrace(add_frame, &stack);
  *stack_digest = stack.digest();
}

}  // namespace

// AddressSanitizer calls this before it reports.
extern "C" void __asan_on_error();
extern "C" void __asan_on_error() {
  note_stack();
  if (!brief_reports) return slabproof::watch_report();
  // Running out of memory is no error of the program.
  const bool is_out_of_memory = std::string_view{description()} == "out-of-memory";
  const std::string_view words = is_out_of_memory ? "AddressSanitizer: out-of-memory\n" : "AddressSanitizer: error\n";
  (void)!write(STDERR_FILENO, words.data(), words.size());
  _exit(is_out_of_memory ? slabproof::judged_nothing : 1);
}

// UndefinedBehaviorSanitizer calls this before it reports; its stack trace starts a symbolizer.
extern "C" void __ubsan_on_report();
extern "C" void __ubsan_on_report() {
  constexpr std::string_view words = "runtime error: \n";
  note_stack();
  if (!brief_reports) return slabproof::watch_report();
  (void)!write(STDERR_FILENO, words.data(), words.size());
  _exit(1);
}

// A signature needs the stack, however the program is started. UBSAN_OPTIONS overrides this.
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

namespace slabproof {

void report_briefly(bool brief) { brief_reports = brief; }

void leave_stack_digest(std::uint64_t* digest) { stack_digest = digest; }

}  // namespace slabproof
