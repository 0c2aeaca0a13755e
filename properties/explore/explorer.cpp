#include "properties/explore/explorer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include "model/process/child.hpp"
#include "model/process/isolated.hpp"
#include "properties/explore/counterexample.hpp"
#include "properties/explore/visited_set.hpp"
#include "properties/explore/world.hpp"

namespace slabproof {
namespace {

using Clock = std::chrono::steady_clock;
using enum OperationKind;

constexpr time_t hung_after_seconds = 10;
constexpr std::uint64_t hash_seed = 1;
constexpr std::uint8_t all_pointers = static_cast<std::uint8_t>(FreeForeign);  // the step of Mark that frees them
constexpr std::uint32_t spare_ordinal =
    SmallState::max_slabs * SmallState::max_slots;  // of an object until the next load()
constexpr std::uint8_t bad_links = 10;  // that a program can write, by argument
constexpr std::uint32_t nowhere = ~std::uint32_t{0};

/// What the child that explores tells its parent.
struct Shared {
  ExploreCounts counts;
  Exploration::Outcome outcome;
  bool finished;
  // Where it is, or where the defect is.
  StepMark mark;
  volatile std::uint32_t state, transition;
  std::uintptr_t stray;
  char invariant[16], expected[512], observed[512];
};

class Explorer {
 public:
  Explorer(const ExploreOptions& options, World& world, GrowingArray<Step>& steps, Shared& shared, bool with_end)
      : options_{options},
        world_{world},
        shared_{shared},
        counts_{shared.counts},
        with_end_{with_end},
        visited_{options.exact ? VisitedSet::Mode::Exact : VisitedSet::Mode::Hashed, steps},
        frontier_{std::make_unique<Buffer>(options.memory / 8, Private)},
        next_{std::make_unique<Buffer>(options.memory / 8, Private)} {}

  void run() {
    shared_.state = nowhere;
    world_.runner().set_mark(&shared_.mark);
    if (!world_.start()) return judge({}, 0);
    words_of_key_ = world_.save(key_);
    remember(nowhere, {});
    while (next_size_ > 0 && shared_.outcome == Exploration::Outcome::Complete) {
      std::swap(frontier_, next_);
      const std::size_t size = std::exchange(next_size_, std::size_t{0});
      for (std::size_t at = 0; at < size && !over(); at += 1 + words_) {
        index_ = static_cast<std::uint32_t>(frontier()[at] >> 32);
        words_ = frontier()[at] & 0xFFFF'FFFF;
        key_of_state_ = frontier() + at + 1;
        expand();
        left_ = size - at;
        tell();
      }
      counts_.depth += next_size_ > 0;
      if (cost_ == no_defect) continue;
      if (ends_only_ || !with_end_ || cost_ < 2) shared_.outcome = Exploration::Outcome::Defect;
      ends_only_ = true;  // one operation more, and the end of the program, may be shorter than a failure
    }
    if (cost_ != no_defect) shared_.outcome = Exploration::Outcome::Defect;
    if (shared_.outcome == Exploration::Outcome::Complete && unsaid_) shared_.outcome = Exploration::Outcome::Defect;
    counts_.digest = visited_.digest() ^ counts_.transitions * 0x9E3779B97F4A7C15u;
    counts_.collisions = visited_.collisions();
  }

 private:
  static constexpr auto Private = GrowingArray<std::uint64_t>::Sharing::Private;
  static constexpr std::uint32_t no_defect = ~std::uint32_t{0};
  using Buffer = GrowingArray<std::uint64_t>;

  [[nodiscard]] std::uint64_t* frontier() { return frontier_->data(); }
  /// Nothing shorter can be found, or there is no more room.
  [[nodiscard]] bool over() const { return shared_.outcome != Exploration::Outcome::Complete || cost_ <= 1; }
  [[nodiscard]] SmallState::Slab slab_of_state(std::size_t place) const {
    SmallState::Slab slab;
    std::memcpy(&slab, key_of_state_ + place * (sizeof slab / 8), sizeof slab);
    return slab;
  }

  // Going from one state to the next ones.

  void expand() {
    is_there_ = false;
    shared_.state = index_;
    if (with_end_) end();
    if (ends_only_ || over()) return;
    for (std::uint8_t cache = 0; cache < world_.setup().cache_count && !over(); ++cache) {
      const std::size_t objects = world_.layout(cache).objects_per_slab;
      try_all_choices({.kind = Alloc, .cache = cache});
      try_all_choices({.kind = AllocNoGrow, .cache = cache});
      for (std::size_t n = 1; n <= objects + 1; ++n)
        try_all_choices({.kind = Reserve, .cache = cache, .argument = static_cast<std::uint8_t>(n)});
      for (std::size_t place = 0; place < world_.slabs(); ++place) {
        const SmallState::Slab slab = slab_of_state(place);
        if (slab.holder != cache) continue;
        for (std::size_t slot = 0; slot < objects; ++slot)
          if (slab.live >> slot & 1)
            take({.kind = Free,
                  .cache = cache,
                  .argument = static_cast<std::uint8_t>(place * SmallState::max_slots + slot)});
      }
      take({.kind = FreeNull, .cache = cache});
      take({.kind = Shrink, .cache = cache});
      take({.kind = Destroy, .cache = cache});
    }
    if (options_.pointers && !over()) free_all_pointers();
    if (options_.pointers && !over()) corrupt_all_links();
  }

  /// What the end of a program finds in this state.
  void end() {
    go_back();
    const Transition end{.kind = Transition::end};
    shared_.transition = end.packed();
    if (!world_.runner().finish()) judge(end, 0);
  }

  /// Every choice of places, and with each of them every failure.
  void try_all_choices(Transition transition) {
    std::uint8_t picks[Choices::most] = {};
    for (;;) {
      transition.picks = 0;
      for (std::size_t i = 0; i < Choices::most; ++i) transition.picks |= static_cast<std::uint8_t>(picks[i] << 2 * i);
      take(transition);
      const Choices choices = world_.choices();
      if (const std::uint32_t calls = world_.backend().calls_that_may_fail(); calls > 0)
        fail_each(transition, calls, choices);
      if (over()) return;
      // As on an odometer: the last place that can be another one.
      std::size_t last = choices.made;
      while (last > 0 && picks[last - 1] + 1 >= choices.options[last - 1]) --last;
      if (last == 0) return;
      ++picks[last - 1];
      std::fill(picks + last, picks + Choices::most, std::uint8_t{0});
    }
  }

  /// The transition, which makes `calls` that may fail, with each of them failing, and with each slab misaligned.
  void fail_each(Transition transition, std::uint32_t calls, const Choices& choices) {
    const auto each = [&](FailingCall call, FailureMode mode, std::size_t count) {
      transition.failure = static_cast<std::uint8_t>(static_cast<unsigned>(call) | static_cast<unsigned>(mode) << 2);
      for (transition.failing = 1; transition.failing <= count && !over(); ++transition.failing) take(transition);
    };
    each(FailingCall::Any, FailureMode::Once, calls);
    each(FailingCall::AllocSlab, FailureMode::Misaligned, choices.made + choices.refused);
    if (world_.cache(transition.cache).row() == slab::Row::Large)
      each(FailingCall::AllocSlabInfo, FailureMode::Misaligned, choices.made);
  }

  /// To the state that is expanded. Not even dead bytes have changed where no key has and no memory was asked for.
  void go_back() {
    if (!is_there_) world_.load(key_of_state_);
    is_there_ = false;
  }

  /// Whether key_, of so many words, is of the state that is expanded.
  [[nodiscard]] bool is_state(std::size_t words) const {
    return words == words_ && std::memcmp(key_, key_of_state_, words * 8) == 0;
  }

  void take(const Transition& transition) {
    if (cost_ <= transition.operations()) return;
    go_back();
    Runner& runner = world_.runner();
    shared_.transition = transition.packed();
    transition.choose(world_.choices());
    if (transition.failing) world_.backend().fail(transition.failure_operation());
    const std::size_t live = runner.reference().live().size();
    runner.step({.kind = transition.kind,
                 .target = transition.cache,
                 .object = transition.kind == Free ? transition.argument : spare_ordinal,
                 .argument = transition.kind == Reserve ? transition.argument : 0u});
    ++counts_.transitions;
    counts_.failures += transition.failing != 0;
    counts_.refusals += world_.choices().refused;
    if (!runner.check()) return judge(transition, 0);
    words_of_key_ = world_.save(key_);
    const bool is_same = is_state(words_of_key_);
    is_there_ = is_same && world_.backend().calls_that_may_fail() == 0;
    const bool allocates = transition.kind == Alloc || transition.kind == AllocNoGrow;
    const bool changes_nothing = transition.failing || world_.choices().refused || transition.kind == FreeNull ||
                                 (allocates && runner.reference().live().size() == live);
    if (is_same) return;
    if (!changes_nothing) return remember(index_, transition);
    // Where it leads to, the runner may see it too.
    found(transition, 0,
          {transition.kind == Reserve    ? "B20"
           : transition.kind == FreeNull ? "M10"
                                         : "B15",
           "the state as it was", "another one"},
          Said::No);
    remember(index_, transition);
  }

  void remember(std::uint32_t from, const Transition& transition) {
    const std::size_t words = words_of_key_;
    if (visited_.memory() + visited_.memory_to_grow() + (next_size_ + 1 + words) * 8 > options_.memory ||
        visited_.full()) {
      shared_.outcome = Exploration::Outcome::OutOfMemory;
      return;
    }
    if (!visited_.insert(hash_(key_, words), key_, words, {from, transition.packed()})) return;
    std::uint64_t* const end = next_->data() + next_size_;
    end[0] = std::uint64_t{visited_.size() - 1} << 32 | words;
    std::memcpy(end + 1, key_, words * 8);
    next_size_ += 1 + words;
    counts_.states = visited_.size();
  }

  // Pointers.

  void free_all_pointers() {
    for (std::uint8_t cache = 0; cache < world_.setup().cache_count; ++cache) {
      if (!world_.cache(cache).checks) continue;
      shared_.transition = Transition{.kind = FreeForeign, .cache = cache}.packed();
      go_back();
      world_.copy_memory(memory_before_);
      const std::uintptr_t page = world_.cache(cache).page_size;
      const std::uintptr_t begin = world_.place(0) - page, end = world_.place(world_.slabs()) + page;
      for (std::uintptr_t stray = begin; stray < end; ++stray) {
        if (!world_.runner().free_stray(cache, stray)) continue;
        ++counts_.pointers;
        if (world_.runner().violated()) return judge({.kind = FreeForeign, .cache = cache}, stray);
      }
      world_.copy_memory(memory_after_);
      if (memory_before_ != memory_after_) return blame_pointer(cache, begin, end);
    }
  }

  /// Every bad link that the runner knows, in each free slot; undone again.
  void corrupt_all_links() {
    for (std::size_t place = 0; place < world_.slabs(); ++place) {
      const SmallState::Slab slab = slab_of_state(place);
      if (slab.holder == SmallState::nobody || slab.abandoned || !world_.cache(slab.holder).checks) continue;
      for (std::size_t slot = 0; slot < SmallState::max_slots; ++slot) {
        if (!((slab.handed_out & ~slab.live) >> slot & 1)) continue;
        for (std::uint8_t link = 0; link < bad_links && !over(); ++link) {
          const Transition transition{.kind = CorruptLink,
                                      .cache = slab.holder,
                                      .argument = static_cast<std::uint8_t>(place * SmallState::max_slots + slot),
                                      .picks = link};
          go_back();
          shared_.transition = transition.packed();
          world_.runner().step({.kind = CorruptLink, .object = transition.argument, .argument = link});
          ++counts_.pointers;
          if (!world_.runner().check()) judge(transition, 0);
          // The state as it was is good for the next link, although a slot that was handed out and taken back holds
          // other dead bytes; no state comes of it.
          is_there_ = is_state(world_.save(key_));
        }
      }
    }
  }

  /// Something was written: by which of the pointers?
  void blame_pointer(std::uint8_t cache, std::uintptr_t begin, std::uintptr_t end) {
    for (std::uintptr_t stray = begin; stray < end; ++stray) {
      world_.load(key_of_state_);
      world_.copy_memory(memory_before_);
      if (!world_.runner().free_stray(cache, stray)) continue;
      world_.copy_memory(memory_after_);
      const auto expected = world_.runner().expected_of_stray(cache, stray);
      if (memory_before_ != memory_after_)
        return found({.kind = FreeForeign, .cache = cache}, stray,
                     {expected ? expected->invariant : "M1", "nothing written by a misuse", "a write"},
                     expected && expected->kind == slab::Misuse::ForeignPointer ? Said::Yes : Said::No);
    }
  }

  // Defects.

  /// Whether there is a program that the runner fails on, as far as is known.
  enum class Said : std::uint8_t { No, Yes };

  void judge(const Transition& transition, std::uintptr_t stray) {
    const bool said = stray == 0 || can_be_said(world_, transition.cache, stray);
    found(transition, stray, world_.runner().verdict().violation, said ? Said::Yes : Said::No);
  }

  void found(const Transition& transition, std::uintptr_t stray, const Violation& violation, Said is_said) {
    // What no program says yet is a defect too, but another state may have one that can be said.
    const bool said = is_said == Said::Yes;
    if (!said && unsaid_) return;
    unsaid_ |= !said;
    if (said) cost_ = transition.operations() + ends_only_;
    if (cost_ <= 1) shared_.outcome = Exploration::Outcome::Defect;
    found_state_ = shared_.state;
    found_transition_ = transition;
    shared_.stray = stray;
    std::snprintf(shared_.invariant, sizeof shared_.invariant, "%s", violation.invariant.c_str());
    std::snprintf(shared_.expected, sizeof shared_.expected, "%s", violation.expected.c_str());
    std::snprintf(shared_.observed, sizeof shared_.observed, "%s", violation.observed.c_str());
  }

 public:
  /// Where the defect was found, for the parent.
  void place_defect() {
    if (shared_.outcome != Exploration::Outcome::Defect) return;
    shared_.state = found_state_;
    shared_.transition = found_transition_.packed();
  }

 private:
  void tell() {
    counts_.memory = visited_.memory();
    counts_.frontier = std::max(counts_.frontier, (left_ + next_size_) * 8);
    if (!options_.progress) return;
    const auto now = Clock::now();
    if (now < next_line_) return;
    next_line_ = now + std::chrono::seconds{1};
    const double seconds = std::chrono::duration<double>(now - told_).count();
    std::printf("%s %12llu states  %8.1f MiB  %8.1f MiB of frontier  depth %3u  %9.0f transitions/s  %12llu pointers\n",
                options_.progress, static_cast<unsigned long long>(counts_.states),
                static_cast<double>(counts_.memory) / 0x1p20, static_cast<double>((left_ + next_size_) * 8) / 0x1p20,
                counts_.depth, static_cast<double>(counts_.transitions - told_transitions_) / seconds,
                static_cast<unsigned long long>(counts_.pointers));
    std::fflush(stdout);
    told_ = now;
    told_transitions_ = counts_.transitions;
  }

  const ExploreOptions& options_;
  World& world_;
  Shared& shared_;
  ExploreCounts& counts_;
  KeyHash hash_{hash_seed, World::max_words};
  bool with_end_;  // of the program, after each path: only then is a counterexample a shortest program
  bool ends_only_ = false;
  VisitedSet visited_;
  std::unique_ptr<Buffer> frontier_, next_;  // of each state its index and length, and its key
  std::size_t next_size_ = 0, left_ = 0;
  std::uint32_t index_ = 0;  // the state that is expanded
  const std::uint64_t* key_of_state_ = nullptr;
  std::size_t words_ = 0, words_of_key_ = 0;
  std::uint64_t key_[World::max_words];
  std::vector<std::uint64_t> memory_before_, memory_after_;
  std::uint32_t cost_ = no_defect;  // of the defect found, in operations
  bool unsaid_ = false;
  bool is_there_ = false;  // in the state that is expanded
  std::uint32_t found_state_ = nowhere;
  Transition found_transition_;
  Clock::time_point told_ = Clock::now(), next_line_ = told_ + std::chrono::seconds{1};
  std::uint64_t told_transitions_ = 0;
};

[[noreturn]] void explore_as_child(const ExploreOptions& options, World& world, GrowingArray<Step>& steps,
                                   Shared& shared, bool with_end) {
  if (const int null = open("/dev/null", O_WRONLY); null >= 0)
    dup2(null, STDERR_FILENO);  // a death is told by its program
  report_briefly(true);
  Explorer explorer{options, world, steps, shared, with_end};
  explorer.run();
  explorer.place_defect();
  shared.finished = true;
  std::fflush(nullptr);
  _exit(0);
}

/// What became of the child.
Verdict wait_for(pid_t child, const Shared& shared) {
  const volatile ExploreCounts& counts = shared.counts;
  // Of its processor's time: who is stopped, or waits for a processor, does not hang.
  clockid_t clock{};
  clock_getcpuclockid(child, &clock);
  const auto seconds_used = [&] {
    timespec used{};
    clock_gettime(clock, &used);
    return used.tv_sec;
  };
  Verdict verdict;
  std::uint64_t seen = 0;
  time_t since = 0;
  int status = 0;
  for (; waitpid(child, &status, WNOHANG) == 0; usleep(2000)) {
    const std::uint64_t now = counts.transitions + counts.pointers;
    if (now != seen) since = seconds_used();
    seen = now;
    if (seconds_used() - since < hung_after_seconds) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    verdict.kind = Verdict::Kind::Hung;
    return verdict;
  }
  if (const std::string why = why_end_tells_nothing(status); !why.empty()) cannot_judge(why);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) cannot_judge("an exploration could not begin");
  if (!shared.finished) {
    verdict.kind = Verdict::Kind::Died;
    verdict.death = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                        : "exit status " + std::to_string(WEXITSTATUS(status));
  } else if (shared.outcome == Exploration::Outcome::Defect) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.violation = {shared.invariant, shared.expected, shared.observed};
  }
  return verdict;
}

/// Looks for the program that shows what was found.
void explain(Exploration& exploration, World& world, const GrowingArray<Step>& steps, const Shared& shared) {
  std::vector<Transition> path;
  if (shared.state != nowhere)
    for (std::uint32_t state = shared.state; steps[state].parent != nowhere; state = steps[state].parent)
      path.push_back(Transition::unpacked(steps[state].transition));
  std::reverse(path.begin(), path.end());
  const Transition last = Transition::unpacked(shared.transition);
  const bool by_pointer = static_cast<std::uint8_t>(last.kind) == all_pointers;
  const std::uintptr_t stray = !by_pointer                                         ? 0
                               : exploration.found.kind == Verdict::Kind::Violated ? shared.stray
                                                                                   : shared.mark.stray;
  exploration.found.step = static_cast<std::uint32_t>(path.size());
  exploration.found.operation = shared.state == nowhere ? name_of_step(at_start)
                                : by_pointer            ? "free"
                                                        : to_string(last.kind);
  const std::vector<Program> programs = programs_of(world, path, last, stray);
  for (const Program& program : programs) {
    IsolatedRun run = run_isolated(world.runner(), program, {.timeout_seconds = 3, .brief = true, .after_step = {}});
    if (&program == &programs.front()) exploration.program = program;
    if (run.verdict.agreed()) continue;
    run = run_isolated(world.runner(), program);
    exploration.program = program;
    exploration.verdict = run.verdict;
    exploration.report = run.report;
    return;
  }
}

Exploration explore(const ExploreOptions& options, bool with_end) {
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("slabproof: cannot explore in a child process");
    std::exit(2);
  }
  auto& shared = *new (memory) Shared{};
  const std::size_t most = std::min<std::size_t>(options.memory / (sizeof(Hash128) + sizeof(Step)), nowhere - 1);
  GrowingArray<Step> steps{most, GrowingArray<Step>::Sharing::Shared};
  World world{options.setup, options.slabs, options.scrub, options.make};
  const auto begin = Clock::now();
  std::fflush(nullptr);
  const pid_t parent = getpid(), child = fork();
  if (child < 0) {
    std::perror("slabproof: cannot explore in a child process");
    std::exit(2);
  }
  if (child == 0) {
    end_with(parent);
    explore_as_child(options, world, steps, shared, with_end);
  }

  Exploration exploration;
  exploration.found = wait_for(child, shared);
  exploration.counts = shared.counts;
  exploration.counts.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  exploration.outcome = exploration.found.agreed() ? shared.outcome : Exploration::Outcome::Defect;
  if (exploration.outcome == Exploration::Outcome::Defect) explain(exploration, world, steps, shared);
  munmap(memory, sizeof(Shared));
  return exploration;
}

}  // namespace

void end_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(2);  // it ended just before
}

Exploration explore(const ExploreOptions& options) {
  const Exploration exploration = explore(options, false);
  if (exploration.outcome != Exploration::Outcome::Defect) return exploration;
  // The end of a program is left out of the search until there is something to find.
  Exploration again = explore(options, true);
  again.counts.seconds += exploration.counts.seconds;
  return again.outcome == Exploration::Outcome::Defect && !again.verdict.agreed() ? again : exploration;
}

}  // namespace slabproof
