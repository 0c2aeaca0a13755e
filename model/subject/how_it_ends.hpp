#pragma once

#include <csetjmp>
#include <csignal>

namespace slabproof {

/// Whether `call` ends with abort(). What it was at is left as it is.
template <class F>
[[nodiscard]] bool aborts(F call) {
  static sigjmp_buf before_call;
  struct sigaction to_here{}, before{};
  to_here.sa_handler = [](int) { siglongjmp(before_call, 1); };
  sigaction(SIGABRT, &to_here, &before);
  bool has_aborted = true;
  if (sigsetjmp(before_call, 1) == 0) {
    call();
    has_aborted = false;
  }
  sigaction(SIGABRT, &before, nullptr);
  return has_aborted;
}

/// Whether `call` ends with an exception.
template <class F>
[[nodiscard]] bool throws(F call) {
#if defined(__cpp_exceptions)
  try {
    call();
  } catch (...) {
    return true;
  }
#else
  call();
#endif
  return false;
}

}  // namespace slabproof
