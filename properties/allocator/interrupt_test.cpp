// Interrupts of a Checked cache at work: at every instruction of every operation a signal handler calls the cache once.
// It is served, or refused with one report, and in either case no object is handed out twice and the cache goes on.
// optimized.cmake compiles this with each compiler.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/time.h>

#include <slab/slab.hpp>
#include "properties/allocator/interrupted_world.hpp"
#include "properties/allocator/single_step.hpp"

namespace {

using properties::Guarded;
using properties::Large;
using properties::most_objects;
using properties::objects;
using properties::Reports;
using properties::SingleStep;
using properties::slabs_of_backend;
using properties::SmallMultiPage;
using properties::SmallSinglePage;
using properties::World;
using slab::CacheStatistics;

/// What an interrupt calls.
enum Call : std::size_t { Alloc, AllocNoGrow, Free, Reserve, Shrink, Statistics, calls };
constexpr const char* call_names[] = {"alloc", "alloc_no_grow", "free", "reserve", "shrink", "statistics"};

/// Which calls were refused, in the order of instructions.
struct Course {
  std::size_t served = 0, refused = 0, turns = 0;
  bool was_refused = false;
  void note(bool is_refused) {
    ++(is_refused ? refused : served);
    turns += was_refused != is_refused;
    was_refused = is_refused;
  }
};

enum class Kind : std::uint8_t {
  GivesObject,
  Frees,
  Reserves,
  Shrinks,
  ShrinksQuarantine,  // of two
  Misuse,
  DoubleFree,
  Visits,
  Destroys,
  FindsDamage
};

const char *row_name, *operation_name;
Kind kind;
std::size_t instruction = 0, total_served = 0, total_refused = 0;
Course courses[calls];

[[noreturn]] void fail(const char* what, std::size_t call) {
  std::printf("FAILED: %s, %s, %s after %zu instructions: %s\n", row_name, operation_name, call_names[call],
              instruction, what);
  std::exit(1);
}
void require(bool condition, const char* what, std::size_t call) {
  if (!condition) fail(what, call);
}

// At -O0 there are ten times as many instructions, and two calls by turns have to do at each.
#ifdef __OPTIMIZE__
constexpr std::size_t choices = calls;
#else
constexpr std::size_t choices = 2;
#endif
std::size_t call_of(std::size_t choice) { return (choices * instruction + choice) % calls; }

/// A signal handler, as a program that forgot to block the signal has it.
template <class Row>
void call_once(World<Row>& world, std::size_t choice) {
  if (choice == 0) ++instruction;
  const std::size_t call = call_of(choice);
  auto& cache = world.cache();
  const Reports before = world.told;
  const auto is_refused = [&] { return world.told.reentrant != before.reentrant; };
  switch (call) {
    case Alloc:
    case AllocNoGrow: {
      auto* const object = call == Alloc ? cache.alloc() : cache.alloc_no_grow();
      if (is_refused())
        require(!object, "refused, and it gave an object", call);
      else if (object)
        require(world.add(object), "it gave an object that is in use", call);
      else
        require(call == AllocNoGrow && cache.statistics().free_objects == 0, "it gave no object", call);
      break;
    }
    case Free:
      cache.free(world.live[0]);
      if (!is_refused()) world.remove(0);
      break;
    case Reserve: require(cache.reserve(1) != is_refused(), "refused and true, or served and false", call); break;
    case Shrink: {
      const std::size_t released = cache.shrink();
      require(!is_refused() || released == 0, "refused, and it gave slabs back", call);
      break;
    }
    case Statistics: {
      const CacheStatistics counts = cache.statistics();
      const std::size_t sizes[] = {counts.full_slabs,        counts.partial_slabs, counts.empty_slabs,
                                   counts.allocated_objects, counts.free_objects,  counts.set_aside_slabs};
      for (const std::size_t size : sizes) require(size <= most_objects, "a count has wrapped", call);
      break;
    }
  }
  require(world.told.reentrant <= before.reentrant + 1, "more than one report", call);
  const bool is_refused_again = is_refused() && !cache.alloc() && world.told.reentrant == before.reentrant + 2;
  require(is_refused() == is_refused_again, "refused, and a second call was not", call);
  world.is_refused = is_refused();
  if (call != Statistics) courses[call].note(is_refused());
}

template <class Row>
std::size_t slabs_with_objects(World<Row>& world) {
  const std::size_t slab_size = world.cache().geometry().slab_size();
  bool has_objects[slabs_of_backend] = {};
  for (std::size_t i = 0; i < world.count; ++i)
    has_objects[(reinterpret_cast<std::byte*>(world.live[i]) - world.backend.slabs) /
                static_cast<std::ptrdiff_t>(slab_size)] = true;
  std::size_t slabs = 0;
  for (const bool has : has_objects) slabs += has;
  return slabs;
}

/// The operation has ended.
template <class Row>
void judge(World<Row>& world, std::size_t choice) {
  const std::size_t call = call_of(choice);
  auto& cache = world.cache();
  const bool is_alloc = call == Alloc || call == AllocNoGrow;
  const Reports told = world.told;
  require(told.reentrant == (world.is_refused ? 2 : 0), "not each refused call was reported once", call);
  require(told.interior == (kind == Kind::Misuse), "the misuse was not reported once", call);
  // Of a slab that was given back before, it is another misuse.
  const bool is_known = kind == Kind::DoubleFree && (call != Shrink || told.double_free != 0);
  require(told.double_free == is_known, "the double free was not reported once", call);
  require(!is_known || told.freed_by != nullptr, "nobody is said to have freed it first", call);
  require(told.others == (kind == Kind::DoubleFree && !is_known), "something else was reported", call);
  if (kind == Kind::Destroys) {
    require(told.live == world.count, "not each live object was reported once", call);
    require(world.backend.outstanding == slabs_with_objects(world), "not each empty slab went back", call);
    return;
  }
  if (kind == Kind::GivesObject || kind == Kind::FindsDamage) {
    require(world.handled, "the operation gave no object", call);
    require(world.add(world.handled), "the operation gave an object that is in use", call);
  }
  const CacheStatistics counts = cache.statistics();
  if (kind == Kind::Reserves) {
    require(world.result == 1, "reserve was refused", call);
    require(counts.free_objects >= 2 * objects || !(world.is_refused || call == Free), "not reserved", call);
  }
  if (kind == Kind::Visits) {
    const std::size_t least = world.count - (is_alloc && !world.is_refused);
    const std::size_t most = world.count + (call == Free && !world.is_refused);
    require(world.result >= least && world.result <= most, "not each object was visited once", call);
  }
  // A free before the operation leaves it nothing to find.
  require(cache.audit() || (kind == Kind::FindsDamage && told.damaged == 0), "the audit fails", call);
  require(counts.allocated_objects == world.count, "the allocated objects are miscounted", call);
  require(counts.full_slabs + counts.partial_slabs + counts.empty_slabs + counts.set_aside_slabs ==
              world.backend.outstanding,
          "the slabs are miscounted", call);
  world.give_back(0, world.count);
  static_cast<void>(cache.shrink());
  const std::size_t stay = kind == Kind::FindsDamage;
  require(world.told.damaged == stay, "the damage was not reported once", call);
  require(cache.statistics() == CacheStatistics{.set_aside_slabs = stay}, "the cache was not emptied", call);
  require(world.backend.outstanding == stay, "a slab did not come back", call);
  require(world.told.reentrant == told.reentrant, "it is busy for ever", call);
}

template <class Row>
class Interruption {
 public:
  using W = World<Row>;

  /// Interrupts `operation` in the state that `prepare` makes of an empty cache.
  template <class Prepare, class Operation>
  void at_every_instruction(const char* name, Kind of, Prepare prepare, Operation operation) {
    row_name = Row::name, operation_name = name, kind = of, instruction = 0;
    for (Course& course : courses) course = {};
    static W world;
    world.begin();
    require(world.cache().geometry().objects_per_slab() == objects, "another number of objects a slab", 0);
    prepare(world);
    const std::size_t stepped = SingleStep<W>::run(world, operation, choices, call_once<Row>, judge<Row>);
    if (stepped == 0) {
      std::puts("SKIPPED: this machine cannot single-step: the trap flag has no effect");
      std::exit(0);
    }
    instructions += stepped;
    for (std::size_t call = 0; call < Statistics; ++call) {
      const Course& course = courses[call];
      // The first instruction of a destruction may be the one that sets the mark.
      require(course.served > 0 || kind == Kind::Destroys, "never served", call);
      require(course.refused > 0, "never refused", call);
      // Served, refused, served; after a destruction refused. A report of damage lies between two times at work, and
      // so does what is between two objects that leave the quarantine.
      const std::size_t turns = kind == Kind::Destroys            ? 1
                                : kind == Kind::FindsDamage       ? 4
                                : kind == Kind::ShrinksQuarantine ? 6
                                                                  : 2;
      require(course.turns == turns, "served while at work", call);
      total_served += course.served;
      total_refused += course.refused;
    }
  }

  std::size_t instructions = 0;
};

template <class Row>
std::size_t interrupt_each_operation() {
  using W = World<Row>;
  Interruption<Row> step;
  const auto alloc = [](W& w) { w.handled = w.cache().alloc(); };
  const auto free = [](W& w) { w.cache().free(w.handled); };
  const auto of_three_slabs = [](W& w) { w.take(3 * objects); };

  step.at_every_instruction("alloc of a slot never used", Kind::GivesObject, [](W& w) { w.take(2); }, alloc);
  step.at_every_instruction(
      "alloc of a freed slot", Kind::GivesObject, [](W& w) { w.take(3), w.give_back(1, 1); }, alloc);
  step.at_every_instruction(
      "alloc that turns to a partial slab", Kind::GivesObject,
      [&](W& w) { of_three_slabs(w), w.give_back(0, 1), w.give_back(objects, 1), w.take(1); }, alloc);
  step.at_every_instruction(
      "alloc that turns to an empty slab", Kind::GivesObject,
      [](W& w) {
        w.take(objects);
        if (!w.cache().reserve(objects)) std::abort();
      },
      alloc);
  step.at_every_instruction("alloc that makes a slab", Kind::GivesObject, [](W& w) { w.take(objects); }, alloc);
  step.at_every_instruction(
      "alloc_no_grow", Kind::GivesObject, [](W& w) { w.take(2); }, [](W& w) { w.handled = w.cache().alloc_no_grow(); });
  step.at_every_instruction(
      "free in the current slab", Kind::Frees, [](W& w) { w.take(4), w.handled = w.remove(2); }, free);
  step.at_every_instruction(
      "free in a full slab while the current one is full", Kind::Frees,
      [&](W& w) { of_three_slabs(w), w.handled = w.remove(1); }, free);
  step.at_every_instruction(
      "free in a full slab while the current one is not", Kind::Frees,
      [](W& w) { w.take(2 * objects + 2), w.handled = w.remove(1); }, free);
  step.at_every_instruction(
      "free in a partial slab", Kind::Frees,
      [&](W& w) { of_three_slabs(w), w.give_back(0, 1), w.give_back(objects, 1), w.handled = w.remove(1); }, free);
  step.at_every_instruction(
      "free of a partial slab's last object, which gives a slab back", Kind::Frees,
      [](W& w) {
        w.take(3 * objects);
        typename W::T* first[objects];
        for (std::size_t i = 0; i < objects; ++i) first[i] = w.live[i];
        const auto take_off = [&](typename W::T* object) {
          for (std::size_t i = 0; i < w.count; ++i)
            if (w.live[i] == object) return w.remove(i);
          std::abort();
        };
        w.cache().free(take_off(first[0]));
        w.cache().free(w.remove(0));  // of another slab, which becomes current
        for (std::size_t i = 1; i < objects - 1; ++i) w.cache().free(take_off(first[i]));
        if (!w.cache().reserve(4 * objects) || !w.cache().reserve(1)) std::abort();
        w.handled = take_off(first[objects - 1]);
      },
      free);
  step.at_every_instruction(
      "free of the current slab's last object, which gives a slab back", Kind::Frees,
      [](W& w) {
        w.take(objects + 1);
        if (!w.cache().reserve(3 * objects) || !w.cache().reserve(1)) std::abort();
        w.handled = w.remove(objects);
      },
      free);
  step.at_every_instruction(
      "reserve", Kind::Reserves, [](W& w) { w.take(1); }, [](W& w) { w.result = w.cache().reserve(2 * objects); });
  step.at_every_instruction(
      "shrink", Kind::Shrinks,
      [](W& w) {
        w.take(1);
        if (!w.cache().reserve(2 * objects)) std::abort();
      },
      [](W& w) { w.result = w.cache().shrink(); });
  step.at_every_instruction(
      "free of an interior pointer", Kind::Misuse, [](W& w) { w.take(3); },
      [](W& w) { w.cache().free(reinterpret_cast<typename W::T*>(w.live[2]->bytes + 8)); });
  step.at_every_instruction(
      "alloc that finds a damaged SlabInfo", Kind::FindsDamage,
      [](W& w) {
        w.take(2 * objects);
        if (!w.cache().reserve(objects)) std::abort();
        w.damage_slab(2);
      },
      alloc);
  step.at_every_instruction(
      "for_each_live", Kind::Visits, [](W& w) { w.take(objects + 2); },
      [](W& w) {
        w.result = 0;
        w.cache().for_each_live([&](void*) { ++w.result; });
      });
  step.at_every_instruction(
      "destruction", Kind::Destroys,
      [](W& w) {
        w.take(objects + 2);
        if (!w.cache().reserve(2 * objects)) std::abort();
      },
      [](W& w) { std::destroy_at(&w.cache()); });
  return step.instructions;
}

/// What a policy with guards does besides.
std::size_t interrupt_guarded() {
  using W = World<Guarded>;
  Interruption<Guarded> step;
  step.at_every_instruction(
      "shrink with two objects in quarantine", Kind::ShrinksQuarantine, [](W& w) { w.take(4), w.give_back(0, 2); },
      [](W& w) { w.result = w.cache().shrink(); });
  step.at_every_instruction(
      "double free", Kind::DoubleFree,
      [](W& w) {
        w.take(objects + 1);
        w.cache().free(w.handled = w.remove(objects));
      },
      [](W& w) { w.cache().free(w.handled); });
  return step.instructions;
}

// A timer that interrupts wherever it does, again and again: the handler takes objects, and gives them back.

template <class Row>
struct Storm {
  static inline World<Row> world;
  static inline volatile std::size_t signals, served, refused, wrong;
  static inline typename World<Row>::T* taken[8];
  static inline std::size_t taken_count;

  static void on_alarm(int) {
    signals = signals + 1;
    const std::size_t before = world.told.reentrant;
    auto* const object = taken_count < 8 ? world.cache().alloc() : nullptr;
    if (taken_count == 8) world.cache().free(taken[7]);
    const std::size_t reported = world.told.reentrant - before;
    if (reported == 0) {
      served = served + 1;
      if (object)
        taken[taken_count++] = object;
      else
        --taken_count;
    } else {
      refused = refused + 1;
    }
    if (reported > 1 || (reported == 1 && object)) wrong = wrong + 1;
  }

  static void blow() {
    row_name = Row::name, operation_name = "storm", instruction = 0;
    world.begin();
    struct sigaction action{};
    action.sa_handler = on_alarm;
    if (sigaction(SIGALRM, &action, nullptr) != 0) fail("no handler for SIGALRM", Alloc);
    const itimerval often{{0, 100}, {0, 100}}, never{};
    setitimer(ITIMER_REAL, &often, nullptr);
    while (signals < 300 || refused < 10) {
      world.take(3 * objects);
      world.give_back(0, world.count);
    }
    setitimer(ITIMER_REAL, &never, nullptr);
    const std::size_t told = world.told.reentrant;
    require(wrong == 0 && told == refused, "not each call that was refused was reported once", Alloc);
    require(world.told.others + world.told.double_free + world.told.damaged == 0, "something else was reported", Alloc);
    while (taken_count > 0) require(world.add(taken[--taken_count]), "an object was handed out twice", Alloc);
    require(world.cache().audit() && world.cache().statistics().allocated_objects == world.count, "damaged", Alloc);
    world.give_back(0, world.count);
    static_cast<void>(world.cache().shrink());
    require(world.backend.outstanding == 0 && world.told.reentrant == told, "it is busy for ever", Alloc);
    std::printf("%s: %zu signals, %zu calls served, %zu refused\n", Row::name, static_cast<std::size_t>(signals),
                static_cast<std::size_t>(served), static_cast<std::size_t>(refused));
  }
};

template <class Row>
void say(std::size_t instructions) {
  std::printf("%s: %zu instructions, %zu calls served, %zu refused\n", Row::name, instructions, total_served,
              total_refused);
  total_served = total_refused = 0;
}
template <class Row>
void interrupt() {
  if (!SingleStep<World<Row>>::prepare()) {
    std::puts("no handler for SIGTRAP");
    std::exit(2);
  }
  if constexpr (std::is_same_v<Row, Guarded>) {
    say<Row>(interrupt_guarded());
  } else {
    say<Row>(interrupt_each_operation<Row>());
    Storm<Row>::blow();
  }
}

}  // namespace

int main() {
  interrupt<SmallSinglePage>();
  interrupt<SmallMultiPage>();
  interrupt<Large>();
  interrupt<Guarded>();
  std::puts("done");
  return 0;
}

#else
int main() { std::puts("SKIPPED: single-stepping is written for x86-64 with Linux"); }
#endif
