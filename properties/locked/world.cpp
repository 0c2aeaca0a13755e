#include "properties/locked/world.hpp"

#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include <sys/time.h>

#include <slab/cache.hpp>
#include <slab/locked.hpp>

#include "properties/locked/policies.hpp"
#include "properties/locked/turn_backend.hpp"
#include "properties/locked/turn_lock.hpp"

namespace turns {
namespace {

/// One run of a program.
template <slab::Row R, class Policy>
class TurnWorld {
  using Cache = slab::Locked<slab::DynamicCache<R, TurnBackend, Policy>, TurnLock>;

 public:
  TurnWorld(Cpus& cpus, const TurnProgram& program) : program_{program}, judge_{cpus}, backend_{program} {
    judge_.takes_turns_at_calls = program.takes_turns_at_calls;
    for (std::size_t cpu = 0; cpu < Cpus::most; ++cpu) judge_.states[cpu].has_interrupts = cpu % 2 == 0;
    judge_.call_cache = [this] { static_cast<void>(cache_->statistics()); };
    Judge::now = &judge_;
  }

  Outcome run(Order& order) {
    for (const Operation& operation : program_.operations)
      if (operation.cpu == Cpus::none) execute(operation);
    judge_.is_run = true;
    const std::function<void(std::uint8_t)> run = [this](std::uint8_t cpu) {
      for (const Operation& operation : program_.operations)
        if (operation.cpu == cpu) execute(operation);
    };
    judge_.require(judge_.cpus.run(program_.cpus(), run, order), Invariant::K5, "nobody waits for ever");
    judge_.is_run = false;
    if (!judge_.violation) end();
    return outcome();
  }
  /// Of a run that was left in the midst of it.
  Outcome died(const char* how) {
    judge_.cpus.abandon();
    judge_.require(false, Invariant::None, how);
    return outcome();
  }

 private:
  [[nodiscard]] std::size_t size() const { return cache_->geometry().object_size(); }
  /// Nobody destroys a cache in any state.
  [[nodiscard]] Outcome outcome() {
    if (judge_.violation) static_cast<void>(cache_.release());
    return {judge_.violation, backend_.calls()};
  }

  void alloc(Op op, std::size_t name) {
    void* const object = op == Op::Alloc ? cache_->alloc() : cache_->alloc_no_grow();
    if (!object)
      return judge_.require(op == Op::AllocNoGrow || judge_.state().was_refused, Invariant::K7,
                            "alloc is null only when the backend refused");
    const auto at = reinterpret_cast<std::uintptr_t>(object);
    for (const Object& other : backend_.live)
      judge_.require(at + size() <= other.at || other.at + other.size <= at, Invariant::G11,
                     "no object overlaps another");
    backend_.live.push_back({at, size(), name});
    std::memset(object, static_cast<int>(name), size());
  }
  [[nodiscard]] auto find(std::size_t name) {
    return std::find_if(backend_.live.begin(), backend_.live.end(),
                        [name](const Object& object) { return object.name == name; });
  }
  void free(Op op, std::size_t name) {
    const auto found = find(name);
    if (found == backend_.live.end()) return;
    auto* const object = reinterpret_cast<unsigned char*>(found->at);
    for (std::size_t i = 0; i < found->size; ++i)
      judge_.require(object[i] == name, Invariant::G12, "objects keep their contents");
    backend_.live.erase(found);
    op == Op::Free ? cache_->free(object) : cache_->free_deferred(object);
  }
  void free_interior(std::size_t name) {
    const auto found = find(name);
    if (found == backend_.live.end() || !Policy::checks) return;
    judge_.state().expected_reports = 1;
    // Nobody else may free it meanwhile.
    const Object object = *found;
    backend_.live.erase(found);
    cache_->free(reinterpret_cast<unsigned char*>(object.at) + 1);
    backend_.live.push_back(object);
    judge_.require(judge_.state().expected_reports == 0, Invariant::K8, "what is misused is reported");
  }
  void reserve(std::size_t n) {
    if (!cache_->reserve(n))
      return judge_.require(judge_.state().was_refused, Invariant::K7, "reserve fails only when the backend refused");
    const std::size_t objects = cache_->geometry().objects_per_slab();
    kept_ = std::max(kept_, (n + objects - 1) / objects);
  }
  void execute(const Operation& operation) {
    CpuState& state = judge_.state();
    const bool has_interrupts = state.has_interrupts;
    state.was_refused = false;
    state.given_back = 0;
    state.may_ask_backend = operation.op != Op::AllocNoGrow && operation.op != Op::FreeDeferred;
    call(operation);
    state.may_ask_backend = true;
    judge_.require(!judge_.holds_lock(), Invariant::K3, "no call returns with the lock");
    judge_.require(state.has_interrupts == has_interrupts, Invariant::K4, "the interrupt flag is as before the call");
  }
  void call(const Operation& operation) {
    switch (operation.op) {
      case Op::Alloc:
      case Op::AllocNoGrow: return alloc(operation.op, operation.operand);
      case Op::Free:
      case Op::FreeDeferred: return free(operation.op, operation.operand);
      case Op::FreeInterior: return free_interior(operation.operand);
      case Op::Reserve: return reserve(operation.operand);
      case Op::Shrink:
        return judge_.require(cache_->shrink() == judge_.state().given_back, Invariant::L7,
                              "shrink says how many slabs it gave back");
      case Op::Statistics: {
        const slab::CacheStatistics now = cache_->statistics();
        return judge_.require(
            now.allocated_objects + now.free_objects ==
                cache_->geometry().objects_per_slab() * (now.full_slabs + now.partial_slabs + now.empty_slabs),
            Invariant::S1, "statistics are of one moment");
      }
    }
  }
  void end() {
    const slab::CacheStatistics found = cache_->statistics();
    judge_.require(cache_->audit(), Invariant::OfAudit, "audit() holds in the end");
    judge_.require(found.allocated_objects == backend_.live.size(), Invariant::S3, "statistics count the live objects");
    bool is_deferred = false;
    for (const Operation& operation : program_.operations) is_deferred |= operation.op == Op::FreeDeferred;
    judge_.require(is_deferred || found.empty_slabs <= kept_, Invariant::L6, "no more empty slabs stay than may");
    while (!backend_.live.empty()) {
      free(Op::Free, backend_.live.back().name);
      judge_.require(cache_->statistics().empty_slabs <= kept_, Invariant::L6, "a free gives back what others left");
    }
    cache_->shrink();
    judge_.require(backend_.has_all_back(), Invariant::B18, "all is given back");
    if (!judge_.violation) cache_.reset();
  }
  static slab::Geometry geometry_of(const Setup& setup) {
    return slab::Geometry::make<Policy>(setup.slab_size, setup.page_size, setup.type, setup.object_size, 8).value();
  }

  const TurnProgram& program_;
  Judge judge_;
  TurnBackend backend_;
  std::size_t kept_ = Policy::empty_slabs_kept;  // the most empty slabs that may stay
  std::unique_ptr<Cache> cache_ = std::make_unique<Cache>(geometry_of(program_.setup), backend_);
};

// Deaths.

sigjmp_buf end_of_run;
volatile std::sig_atomic_t is_running = 0;
std::atomic<std::uint32_t> runs = 0, runs_at_last_tick = 0;
constexpr int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGVTALRM};

void leave_run(int signal) {
  const bool is_hang = signal == SIGVTALRM && runs == runs_at_last_tick;
  runs_at_last_tick = runs.load();
  if (is_running && (signal != SIGVTALRM || is_hang)) siglongjmp(end_of_run, signal);
  if (signal == SIGVTALRM) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// The handlers have a stack of their own, since a CPU's may be used up.
void watch_for_deaths() {
  static std::vector<std::byte> stack(std::size_t{64} << 10);
  const stack_t own{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  sigaltstack(&own, nullptr);
  struct sigaction action{};
  action.sa_handler = leave_run;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (const int signal : fatal_signals) sigaction(signal, &action, nullptr);
  const itimerval each_second{{1, 0}, {1, 0}};
  setitimer(ITIMER_VIRTUAL, &each_second, nullptr);
}

const char* name_of(int signal) {
  switch (signal) {
    case SIGSEGV: return "died: segmentation fault";
    case SIGBUS: return "died: bus error";
    case SIGABRT: return "died: abort";
    case SIGVTALRM: return "hung: a second without an end";
    default: return "died: a trap";
  }
}

template <slab::Row R, class Policy>
Outcome run_in(Cpus& cpus, const TurnProgram& program, Order& order) {
  TurnWorld<R, Policy> world{cpus, program};
  Outcome outcome;
  ++runs;
  if (const int signal = sigsetjmp(end_of_run, 0); signal == 0) {
    is_running = 1;
    outcome = world.run(order);
    is_running = 0;
  } else {
    is_running = 0;
    outcome = world.died(name_of(signal));
  }
  return outcome;
}

}  // namespace

Outcome run_program(Cpus& cpus, const TurnProgram& program, Order& order) {
  static const bool is_watched = (watch_for_deaths(), true);
  static_cast<void>(is_watched);
  Outcome outcome;
  with_policy(program.setup, [&]<class Policy>() {
    switch (program.setup.row()) {
      case slab::Row::SmallSinglePage:
        outcome = run_in<slab::Row::SmallSinglePage, Policy>(cpus, program, order);
        return;
      case slab::Row::SmallMultiPage: outcome = run_in<slab::Row::SmallMultiPage, Policy>(cpus, program, order); return;
      case slab::Row::Large: outcome = run_in<slab::Row::Large, Policy>(cpus, program, order);
    }
  });
  return outcome;
}

}  // namespace turns
