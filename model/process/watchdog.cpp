#include "model/process/watchdog.hpp"

#include <sys/time.h>

#include <csignal>
#include <ctime>

namespace slabproof {
namespace {

constexpr long tick_microseconds = 100'000;
constexpr double idle = 0.001;  // seconds of processor time between two ticks; the handler itself takes less
constexpr unsigned idle_ticks_allowed = 100, idle_ticks_of_a_report = 1200;

volatile double limit = 0, seen = 0;
volatile unsigned idle_ticks = 0, idle_ticks_left = 0;

double processor_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void tick(int) {
  const double now = processor_time();
  idle_ticks = now - seen < idle ? idle_ticks + 1 : 0;
  seen = now;
  if (now < limit && idle_ticks < idle_ticks_left) return;
  std::signal(SIGALRM, SIG_DFL);
  raise(SIGALRM);  // delivered when this handler returns
}

void begin(double processor_seconds, unsigned ticks) {
  seen = processor_time();
  limit = seen + processor_seconds;
  idle_ticks = 0;
  idle_ticks_left = ticks;
}

}  // namespace

void watch(double processor_seconds) {
  static bool ticking = false;
  begin(processor_seconds, idle_ticks_allowed);
  if (ticking) return;
  ticking = true;
  struct sigaction action{};
  action.sa_handler = tick;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigaction(SIGALRM, &action, nullptr);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm_only, nullptr);
  const itimerval period{{0, tick_microseconds}, {0, tick_microseconds}};
  setitimer(ITIMER_REAL, &period, nullptr);
}

void watch_report() {
  if (limit > 0) begin(60, idle_ticks_of_a_report);
}

}  // namespace slabproof
