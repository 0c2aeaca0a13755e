#include "model/process/minimizer.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "model/process/isolated.hpp"
#include "model/process/simpler_geometry.hpp"
#include "model/program/codec.hpp"
#include "model/program/layout.hpp"

namespace slabproof {
namespace {

using Clock = std::chrono::steady_clock;
using Operations = std::vector<Operation>;

constexpr std::size_t pairs_up_to = 24;      // operations; in longer programs not every pair is left out

/// The first allocation of a program, or a plain one, for another object.
Operation allocation_like(const Operations& operations, std::uint32_t object) {
  const auto first = std::find_if(operations.begin(), operations.end(),
                                  [](const Operation& operation) { return makes_object(operation.kind); });
  Operation allocation{.kind = OperationKind::Alloc};
  if (first != operations.end() && facts_of(first->kind).any_size) allocation = *first;
  allocation.object = object;
  return allocation;
}
Operation free(std::uint32_t object) { return {.kind = OperationKind::Free, .object = object}; }

/// Smaller numbers to try instead of `value`, the smallest first.
std::set<std::uint32_t> below(std::uint32_t value) {
  std::set<std::uint32_t> less;
  for (const std::uint32_t candidate : {0u, 1u, 2u, value / 2, value - 1})
    if (candidate < value) less.insert(candidate);
  return less;
}

/// Smaller sizes that are allowed, the smallest first.
std::set<std::uint32_t> smaller_sizes(std::uint32_t size, const SizeLimits& limits) {
  std::set<std::uint32_t> less;
  for (const std::uint32_t candidate : {1u, 8u, 16u, 24u, 32u, 64u, 128u, 1024u, size / 2, size - 1, limits.least})
    if (const std::uint32_t allowed = limits.nearest(candidate); allowed < size) less.insert(allowed);
  return less;
}

/// Smaller objects and alignments of a pool.
std::vector<CacheSpec> simpler_pools(const CacheSpec& pool, const SizeLimits& limits) {
  std::vector<CacheSpec> result;
  for (const std::uint32_t size : smaller_sizes(pool.object_size, limits)) {
    result.push_back(pool);
    result.back().object_size = size;
  }
  for (std::uint32_t align = 1; align < pool.object_align; align *= 2) {
    result.push_back(pool);
    result.back().object_align = align;
  }
  return result;
}

/// Simpler ways to fail, the simplest first: a certain call is simpler than any call, and once is simpler than always.
std::vector<Failure> simpler(const Failure& failure) {
  using enum FailingCall;
  const auto rank = [](const Failure& each) {
    return std::pair{each.mode, each.call == Any ? 4 : static_cast<int>(each.call)};
  };
  std::vector<Failure> result;
  for (const FailureMode mode : {FailureMode::Once, FailureMode::Always, FailureMode::Misaligned})
    for (const FailingCall call : {AllocSlab, AllocSlabInfo, SaveSlabInfo, Any})
      if (const Failure other{call, mode}; other.is_possible() && rank(other) < rank(failure)) result.push_back(other);
  return result;
}

/// Simpler operations that may do instead, the simplest first.
Operations simpler(const Operation& operation, std::size_t objects_per_slab, const Language& language) {
  const Parameter parameter = parameter_of(operation.kind);
  Operations result;
  const auto with = [&](auto change) {
    Operation other = operation;
    change(other);
    result.push_back(other);
  };
  if (operation.target == 1) with([](Operation& other) { other.target = 0; });
  if (operation.kind == OperationKind::AllocNoGrow) with([](Operation& other) { other.kind = OperationKind::Alloc; });
  if (operation.kind == OperationKind::AllocateZeroed)
    with([](Operation& other) { other.kind = OperationKind::Allocate, other.detail = 0; });
  std::set<std::uint32_t> arguments =
      has_size(parameter) ? smaller_sizes(operation.argument, language.sizes) : below(operation.argument);
  if (parameter == Parameter::ObjectCount)
    for (const std::size_t n : {objects_per_slab, objects_per_slab + 1, std::size_t{max_reserve}})
      if (n < operation.argument && n <= max_reserve) arguments.insert(static_cast<std::uint32_t>(n));
  for (const std::uint32_t argument : arguments)
    if (argument <= max_argument(operation.kind)) with([&](Operation& other) { other.argument = argument; });
  if (parameter == Parameter::Failure && language.shape == Shape::SlabCache)
    for (const Failure& failure : simpler(operation.failure()))
      with([&](Operation& other) { other.detail = failure.packed(); });
  if (parameter == Parameter::ReentrantCall || parameter == Parameter::CallOnMisuse ||
      parameter == Parameter::BackendError || has_size(parameter))
    for (std::uint8_t detail = 0; detail < operation.detail; ++detail)
      with([&](Operation& other) { other.detail = detail; });
  if (names_object(operation.kind) && !makes_object(operation.kind))
    for (const std::uint32_t object : below(operation.object)) with([&](Operation& other) { other.object = object; });
  return result;
}

class Minimizer {
 public:
  Minimizer(Runner& runner, const Program& program, const MinimizerOptions& options)
      : runner_{runner},
        options_{options},
        given_{program},
        smallest_{program},
        deadline_{Clock::now() + std::chrono::duration_cast<Clock::duration>(options.budget)} {}

  Minimized run() {
    const IsolatedRun original = run(given_, thorough());
    const Minimized unchanged{given_, original.verdict, original.report, 1, original.verdict.agreed()};
    tried_ = 1;
    target_ = original.verdict;
    if (target_.agreed()) return unchanged;
    if (original.stack != 0) deaths_[original.stack] = target_;
    cut(target_);
    take(smallest_);  // without operations that do not apply
    for (bool smaller = true; smaller && !out_of_time_;) {
      smaller = try_shapes();
      smaller |= drop_operations();
      smaller |= drop_pairs();
      smaller |= simplify_operations();
      smaller |= simplify_setup();
      smaller |= simplify_geometry();
      smaller |= take(renumbered(smallest_));
    }
    // Candidates were run with fewer checks; this run decides.
    IsolatedRun last = run(smallest_, thorough());
    if (last.verdict.signature() != target_.signature()) return unchanged;
    return {smallest_, last.verdict, last.report, tried_, !out_of_time_};
  }

 private:
  [[nodiscard]] IsolationOptions thorough() const {
    return {.timeout_seconds = options_.final_timeout_seconds, .brief = false, .after_step = {}};
  }

  IsolatedRun run(const Program& candidate, const IsolationOptions& options) {
    return options_.run ? options_.run(candidate, options) : run_isolated(runner_, candidate, options);
  }

  /// A quick verdict. A death takes its frame from an earlier death with the same stack, if there was one, since
  /// symbolizing costs a second.
  Verdict judge(const Program& candidate) {
    const double timeout = target_.kind == Verdict::Kind::Hung ? 1 : options_.timeout_seconds;
    const IsolatedRun hasty = run(candidate, {.timeout_seconds = timeout, .brief = true, .after_step = {}});
    Verdict verdict = hasty.verdict;
    if (verdict.kind != Verdict::Kind::Died || hasty.stack == 0) return verdict;
    verdict.frame = target_.frame;
    if (verdict.signature() != target_.signature()) return verdict;  // whatever its frame
    const auto [known, is_new] = deaths_.try_emplace(hasty.stack);
    if (is_new) known->second = run(candidate, thorough()).verdict;
    verdict.death = known->second.death;
    verdict.frame = known->second.frame;
    verdict.frames = known->second.frames;
    return verdict;
  }

  /// Operations after the failing step do not matter.
  void cut(const Verdict& verdict) {
    if (verdict.step < smallest_.operations.size()) smallest_.operations.resize(verdict.step + 1);
  }

  /// Takes the candidate if it differs and fails in the same way.
  bool take(const Program& other) {
    Program candidate = normalised(other);
    std::erase_if(candidate.operations,
                  [&](const Operation& operation) { return !runner_.language().has(operation.kind); });
    if (candidate == smallest_) return false;
    out_of_time_ = out_of_time_ || Clock::now() > deadline_ || (options_.go_on && !options_.go_on(smallest_, tried_));
    if (out_of_time_) return false;
    ++tried_;
    const Verdict verdict = judge(candidate);
    if (verdict.signature() != target_.signature()) return false;
    smallest_ = std::move(candidate);
    cut(verdict);
    return true;
  }

  bool take_without(std::size_t begin, std::size_t end) {
    Program less = smallest_;
    less.operations.erase(less.operations.begin() + static_cast<std::ptrdiff_t>(begin),
                          less.operations.begin() + static_cast<std::ptrdiff_t>(end));
    return take(less);
  }

  [[nodiscard]] std::size_t objects_per_slab() const { return layout_of(cache(0)).objects_per_slab; }
  [[nodiscard]] const CacheSpec& cache(std::size_t index) const { return smallest_.setup.caches[index]; }
  [[nodiscard]] Operations& operations() { return smallest_.operations; }

  /// Programs that a person would try: n allocations; the same with n frees; then the failing operation, or
  /// destruction.
  bool try_shapes() {
    const auto n_of = [&] {
      std::set<std::uint32_t> counts{0, 1, 2, 3, 4};
      for (const std::size_t n : {objects_per_slab() - 1, objects_per_slab(), objects_per_slab() + 1,
                                  2 * objects_per_slab(), 2 * objects_per_slab() + 1})
        if (n < operations().size()) counts.insert(static_cast<std::uint32_t>(n));
      return counts;
    };
    for (const std::uint32_t n : n_of()) {
      Operations allocs, fifo, lifo;
      for (std::uint32_t i = 0; i < n; ++i) allocs.push_back(allocation_like(operations(), i));
      fifo = lifo = allocs;
      for (std::uint32_t i = 0; i < n; ++i) fifo.push_back(free(i)), lifo.push_back(free(n - 1 - i));
      Operations first_freed = allocs;
      if (n > 1) first_freed.push_back(free(0));
      for (const Operations& shape : {allocs, first_freed, fifo, lifo}) {
        std::vector<Operations> ends{{}, {{.kind = OperationKind::Destroy}}};
        if (!operations().empty())
          for (const std::uint32_t object : {0u, n - 1}) {
            ends.push_back({operations().back()});
            if (!makes_object(operations().back().kind)) ends.back().front().object = object;
          }
        for (const Operations& end : ends) {
          Program candidate{smallest_.setup, shape};
          candidate.operations.insert(candidate.operations.end(), end.begin(), end.end());
          if (candidate.operations.size() < operations().size() && take(candidate)) return true;
        }
      }
    }
    return false;
  }

  /// Runs of operations, from the last to the first: half of them, a quarter, …, and what fills slabs;
  /// single ones until none can be left out. Removing an allocation removes what names its object.
  bool drop_operations() {
    std::set<std::size_t, std::greater<>> lengths;
    for (std::size_t length = operations().size(); length > 1; length /= 2) lengths.insert(length);
    for (std::size_t length = objects_per_slab(); length > 1 && length < operations().size(); length *= 2)
      lengths.insert(length);
    bool dropped = false;
    for (const std::size_t length : lengths) dropped |= drop_runs(length, length == objects_per_slab() ? 1 : length);
    while (drop_runs(1, 1)) dropped = true;
    return dropped;
  }

  /// If a run cannot be left out, the next one to try ends `step` operations before it.
  bool drop_runs(std::size_t length, std::size_t step) {
    bool dropped = false;
    for (std::size_t end = operations().size(); end > 0;) {
      const std::size_t begin = end > length ? end - length : 0;
      const bool taken = take_without(begin, end);
      dropped |= taken;
      end = taken ? std::min(begin, operations().size()) : end - std::min(step, end);
    }
    return dropped;
  }

  /// Two operations that cancel each other, such as fail and recover.
  bool drop_pairs() {
    bool dropped = false;
    if (operations().size() > pairs_up_to) return false;
    for (std::size_t second = operations().size(); second-- > 1;)
      for (std::size_t first = second; first-- > 0 && second < operations().size();) {
        Program less = smallest_;
        less.operations.erase(less.operations.begin() + static_cast<std::ptrdiff_t>(second));
        less.operations.erase(less.operations.begin() + static_cast<std::ptrdiff_t>(first));
        dropped |= take(less);
      }
    return dropped;
  }

  bool simplify_operations() {
    bool simplified = false;
    for (std::size_t i = 0; i < operations().size(); ++i)
      for (const Operation& other : simpler(operations()[i], objects_per_slab(), runner_.language())) {
        Program candidate = smallest_;
        candidate.operations[i] = other;
        if (!take(candidate)) continue;
        simplified = true;
        break;
      }
    return simplified;
  }

  /// Takes the program that `change` makes if it differs and fails in the same way.
  template <class F>
  bool change(F how) {
    Program candidate = smallest_;
    how(candidate);
    return take(candidate);
  }

  bool simplify_setup() {
    bool simplified = false;
    if (smallest_.setup.cache_count == 2)
      simplified |= change([](Program& p) { p.setup.cache_count = 1; }) ||
                    change([](Program& p) { keep_only_cache_1(p); }) ||
                    change([](Program& p) { move_to_cache_0(p); }) ||
                    change([](Program& p) { p.setup.caches[1] = p.setup.caches[0]; });
    if (smallest_.setup.backend_count == 2) simplified |= change(move_to_backend_0);
    for (std::size_t i = 0; i < smallest_.setup.backend_count; ++i) {
      simplified |= change([&](Program& p) { p.setup.backends[i] = {}; });
      simplified |= change([&](Program& p) { p.setup.backends[i].reuse = {}; });
      simplified |= change([&](Program& p) { p.setup.backends[i].placement = {}; });
      simplified |= change([&](Program& p) { p.setup.backends[i].seed = 0; });
    }
    for (std::size_t i = 0; i < smallest_.setup.cache_count; ++i) {
      simplified |= change([&](Program& p) { p.setup.caches[i].is_static = false; });
      simplified |= change([&](Program& p) { p.setup.caches[i].checks = true; });
      simplified |= change([&](Program& p) { p.setup.caches[i].empty_slabs_kept = 1; });
      if (cache(i).guards != Guards::None) simplified |= change([&](Program& p) { drop_guards(p.setup.caches[i]); });
      if (cache(i).empty_slabs_kept == 2)
        simplified |= change([&](Program& p) { p.setup.caches[i].empty_slabs_kept = 0; });
    }
    return simplified;
  }

  static void drop_guards(CacheSpec& cache) { cache.guards = Guards::None; }
  static void keep_only_cache_1(Program& program) {
    std::swap(program.setup.caches[0], program.setup.caches[1]);
    program.setup.cache_count = 1;
    for (Operation& operation : program.operations)
      if (const Operand operand = operand_of(operation.kind);
          operand == Operand::NewObject || operand == Operand::Cache)
        operation.target ^= 1;
  }
  static void move_to_cache_0(Program& program) {
    program.setup.cache_count = 1;
    for (Operation& operation : program.operations)
      if (operand_of(operation.kind) != Operand::Backend) operation.target = 0;
  }
  static void move_to_backend_0(Program& program) {
    program.setup.backend_count = 1;
    for (CacheSpec& cache : program.setup.caches) cache.backend = 0;
    for (Operation& operation : program.operations)
      if (operand_of(operation.kind) == Operand::Backend) operation.target = 0;
  }

  bool simplify_geometry() {
    bool simplified = false;
    const auto simplify = [&](std::size_t index, bool both) {
      if (cache(index).is_static || cache(index).shape == Shape::Heap) return;
      for (const CacheSpec& other : cache(index).shape == Shape::Pool
                                        ? simpler_pools(cache(index), runner_.language().sizes)
                                        : simpler_geometries(cache(index)))
        if (change([&](Program& p) {
              p.setup.caches[index] = other;
              if (both) p.setup.caches[1 - index] = other;
            })) {
          simplified = true;
          return;
        }
    };
    const bool two = smallest_.setup.cache_count == 2;
    if (two && cache(0) == cache(1)) simplify(0, true);
    simplify(0, false);
    if (two) simplify(1, false);
    return simplified;
  }

  Runner& runner_;
  const MinimizerOptions& options_;
  const Program& given_;
  Program smallest_;
  Verdict target_;
  std::map<std::uint64_t, Verdict> deaths_;  // by stack
  std::uint64_t tried_ = 0;
  Clock::time_point deadline_;
  bool out_of_time_ = false;
};

}  // namespace

Minimized minimize(Runner& runner, const Program& program, const MinimizerOptions& options) {
  return Minimizer{runner, program, options}.run();
}

}  // namespace slabproof
