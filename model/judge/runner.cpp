#include "model/judge/runner.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "model/memory/address.hpp"
#include "model/memory/contents.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/program/decoder.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {
namespace {

// What is expected in more than one place.
constexpr Expectation untouched_objects{"G12", "no byte of a live object written"};

std::string name_of(std::uint32_t ordinal) {
  return ordinal == no_ordinal ? "an object" : "#" + std::to_string(ordinal);
}

}  // namespace

std::string name_of_step(std::uint8_t operation) {
  if (operation < operation_kinds) return to_string(static_cast<OperationKind>(operation));
  return operation == at_start ? "start" : "end";
}

std::string Expectation::text() const {
  std::string text = words ? words : "";
  if (const std::size_t place = text.find('%'); place != std::string::npos)
    text.replace(place, 1, name ? name : std::to_string(number));
  return text;
}

Runner::Runner(MakeSubject make, std::uintptr_t arena_base)
    : make_{make},
      arena_{arena_base},
      backends_{RecordingBackend{arena_, 0, judgement_, log_, context_, *this},
                RecordingBackend{arena_, 1, judgement_, log_, context_, *this}} {}

Verdict Runner::run(const Program& program) {
  bool going = start(program.setup);
  for (std::size_t i = 0; going && i < program.operations.size(); ++i) going = step(program.operations[i]);
  if (going) finish();
  return verdict();
}

Verdict Runner::run(std::span<const std::uint8_t> bytes) {
  Decoder decoder{bytes.data(), bytes.size()};
  bool going = start(decoder.setup());
  for (Operation operation; going && decoder.next(operation);) going = step(operation);
  if (going) finish();
  return verdict();
}

Verdict Runner::verdict() const {
  Verdict verdict;
  verdict.step = step_;
  verdict.operation = name_of_step(step_operation_);
  if (judgement_.violation()) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.violation = *judgement_.violation();
  }
  return verdict;
}

bool Runner::start(const Setup& setup) {
  // Subjects of an earlier run are abandoned, not destroyed: they may be in any state.
  setup_ = setup;
  judgement_.reset();
  log_ = {};
  reference_.reset();
  for (std::uint64_t& incarnation : incarnations_) incarnation = ++last_incarnation_;
  live_.clear();
  made_.clear();
  step_ = 0;
  budget_ = allowed_;
  budget_ended_at_ = no_step;
  if (mark_) mark_->budget_ended_at = no_step;
  calls_since_audit_ = 0;
  previous_ = OperationKind::Alloc;
  context_ = {};
  for (std::uint8_t i = 0; i < setup.backend_count; ++i) backends_[i].reset(setup.backends[i]);
  mark(at_start);
  for (std::uint8_t i = 0; i < setup.cache_count && !violated(); ++i) construct(i);
  return !violated();
}

bool Runner::step(const Operation& operation) {
  mark(static_cast<std::uint8_t>(operation.kind));
  if (execute(operation)) {
    ++operations_;
    count_state(operation.kind, context_.cache_index);
  }
  if (is_strict() && may_spend(cost_of_check())) {
    check();
  } else if ((step_ + 1) % deep_check_period == 0) {
    check_contents();
    for (std::uint8_t i = 0; i < setup_.cache_count; ++i) check_audit(i);
  }
  if (violated()) return false;
  ++step_;
  return true;
}

bool Runner::finish() {
  mark(at_end);
  for (std::uint8_t i = 0; i < setup_.backend_count; ++i) backends_[i].recover();
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) check_audit(i);
  std::vector<std::uint32_t> left = live_;  // each is looked at before it is freed
  std::sort(left.begin(), left.end());
  for (std::size_t i = 0; i < left.size() && !violated(); ++i) {
    free_object(left[i]);
    if (is_strict() && may_spend(cost_of_check())) check();
  }
  for (std::uint8_t i = 0; i < setup_.cache_count && !violated(); ++i) {
    check_audit(i);
    destroy(i);
  }
  check_returned();
  return !violated();
}

bool Runner::check() {
  check_contents();
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) check_audit(i);
  check_returned();
  return !violated();
}

void Runner::check_returned() {
  for (std::uint8_t i = 0; i < setup_.backend_count && !violated(); ++i)
    if (backends_[i].slab_region().find_written() || backends_[i].info_region().find_written())
      violate("B19", "nothing written to memory that was given back", "a write");
}

void Runner::mark(std::uint8_t operation) {
  step_operation_ = operation;
  expect({});
  if (!mark_) return;
  mark_->step = step_;
  mark_->operation = operation;
}

Expectation Runner::expect(const Expectation& expected) {
  const Expectation before = expected_;
  expected_ = expected;
  if (mark_) {
    mark_->invariant = expected.invariant;
    mark_->words = expected.words;
    mark_->number = expected.number;
    mark_->name = expected.name;
  }
  return before;
}

bool Runner::may_spend(std::size_t cost) {
  if (cost <= budget_) return budget_ -= cost, true;
  budget_ended_at_ = step_;
  if (mark_) mark_->budget_ended_at = step_;
  return false;
}

std::size_t Runner::cost_of_audit(std::uint8_t cache) const {
  const std::size_t slabs = models_[cache].slabs(), slots = slabs * models_[cache].layout.objects_per_slab;
  return slabs + std::min<std::size_t>(slots, step_);  // no more than that were ever handed out
}

std::size_t Runner::cost_of_check() const {
  std::size_t cost = live_.size() + 1;
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) cost += cost_of_audit(i);
  for (std::uint8_t i = 0; i < setup_.backend_count; ++i)
    cost += (backends_[i].slab_region().touched_bytes() + backends_[i].info_region().touched_bytes()) / 1024;
  return cost;
}

void Runner::begin(OperationKind kind, std::uint8_t cache) {
  context_ = {.cache = &models_[cache],
              .calls_of_row = calls_of(models_[cache].spec.row()),
              .cache_index = cache,
              .operation = kind};
  report_log.clear();
}

// After a call nobody may call the backend any more.
void Runner::close() {
  RecordingBackend& backend = backend_of(context_.cache_index);
  for (const std::uintptr_t base : made_)
    if (SlabRecord* slab = backend.find(base)) slab->fresh = false;
  made_.clear();
  context_.cache = nullptr;
  context_.freed = 0;
}

// After a call: what must hold, holds.
void Runner::end() {
  const std::uint8_t cache = context_.cache_index;
  close();
  if (violated()) return;
  check_reports();
  if (models_[cache].slabs() <= deep_check_period || step_ % deep_check_period == 0 || is_strict())
    check_statistics(cache);
}

void Runner::count_state(OperationKind kind, std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  const auto bucket = [](std::size_t count) { return count < 3 ? count : 3; };
  const slab::CacheStatistics slabs = model.statistics();
  std::size_t state = static_cast<std::size_t>(kind) * operation_kinds + static_cast<std::size_t>(previous_);
  state = state * 2 + (context_.refused != nullptr);
  state = (state * 4 + bucket(slabs.full_slabs)) * 4 + bucket(slabs.partial_slabs);
  state = (state * 4 + bucket(slabs.empty_slabs)) * 4 + bucket(model.layout.objects_per_slab - 1);
  states_ += !seen_states_[state];
  seen_states_.set(state);
  previous_ = kind;
}

// Observing the backend.

void Runner::on_backend_call(BackendCall call) {
  if (violated() || context_.constructing || context_.reentering || !context_.cache) return;
  AnySubject& subject = *subjects_[context_.cache_index];
  // Of the calls for each page one in 16 counts: they come in rows, and little changes between. Nothing does between
  // those for a SlabInfo and the others for its slab. Of very many slabs less often: the audits of a reserve then take
  // as long as eight audits a slab. Each time an odd number of calls, since a slab makes two that count: both shall
  // have their turn. Nor is each look-up worth one: it comes first in an operation, after what the one before has left.
  // Where every step is checked so is each call, of a cache that has not very many slabs.
  const auto is_due = [&] {
    if (is_strict() && context_.cache->slabs() <= 128 && may_spend(cost_of_audit(context_.cache_index))) return true;
    if (call == BackendCall::AllocSlabInfo || call == BackendCall::FreeSlabInfo) return false;
    const bool is_of_page = call == BackendCall::SaveSlabInfo || call == BackendCall::DeleteSlabInfo;
    if (is_of_page && context_.calls[static_cast<std::size_t>(call)] % deep_check_period != 1) return false;
    const std::size_t slabs = context_.cache->slabs();
    const bool each = slabs <= 8 && call != BackendCall::GetSlabInfo;
    return each || ++calls_since_audit_ >= (std::max<std::size_t>(deep_check_period, slabs / 8) | 1);
  };
  if (is_due()) {
    calls_since_audit_ = 0;
    const Expectation before = expect({"B16", "audit() to hold inside a backend call"});
    if (const char* failed = subject.audit()) violate_expected(std::string{"it fails with "} + failed);
    expect(before);
  }
  if (int& armed = armed_reentry_[context_.cache_index]; armed >= 0) {
    const auto reentry = static_cast<slabproof::ReentrantCall>(armed);
    armed = -1;
    reenter(subject, reentry);
  }
}

void Runner::on_slab_made(SlabRecord& slab) {
  models_[slab.cache].slab_made();
  made_.push_back(slab.base);
}

void Runner::on_refusal(const char* invariant) {
  if (!context_.cache || context_.constructing || context_.reentering) return;
  const bool reserves = context_.operation == OperationKind::Reserve;
  expect({invariant, reserves ? "false after a backend call failed" : "null after a backend call failed"});
}

void Runner::on_slab_released(SlabRecord& slab) {
  CacheModel& model = models_[slab.cache];
  const bool destroying = context_.operation == OperationKind::Destroy;
  if (slab.used != 0)
    violate(destroying ? "M9" : "G8", "a slab with live objects kept",
            std::to_string(slab.used) + " live objects in a slab given back");
  if (slab.fresh) {
    if (!context_.refused) violate("L6", "a new slab kept when nothing failed", "given back");
  } else {
    std::size_t kept = model.kept_slabs();
    switch (context_.operation) {
      case OperationKind::Reserve:
        kept = std::max<std::size_t>(
            model.spec.empty_slabs_kept,
            context_.wanted / model.layout.objects_per_slab + (context_.wanted % model.layout.objects_per_slab != 0));
        [[fallthrough]];
      case OperationKind::Free:
        if (model.empty_slabs() <= kept)
          violate("L6", "no slab given back while at most " + std::to_string(kept) + " are empty",
                  std::to_string(model.empty_slabs()) + " empty");
        break;
      case OperationKind::Shrink:
      case OperationKind::Destroy: break;
      default:
        violate("L6", "slabs given back by free, reserve, shrink and destruction only",
                "given back by another operation");
    }
  }
  if (model.current == slab.base && !slab.fresh && model.empty_slabs() > 1 &&
      subjects_[slab.cache]->abilities().follows_policy)
    violate("L6", "the current slab given back last", "given back before another empty one");
  model.slab_released(slab.used);
  if (model.current == slab.base) model.current = 0;
}

// Operations.

Runner::Object& Runner::object(std::uint32_t ordinal) {
  if (objects_.size() <= ordinal) objects_.resize(ordinal + 1);
  return objects_[ordinal];
}

void Runner::construct(std::uint8_t cache) {
  models_[cache] = CacheModel{setup_.caches[cache]};
  armed_reentry_[cache] = -1;
  begin(OperationKind::Alloc, cache);
  context_.constructing = true;
  expect({"B17", "no backend call during construction"});
  void* const storage = pointer(arena_.cache(cache));
  std::memset(storage, 0xA5, Arena::cache_storage);
  subjects_[cache] = make_(storage, setup_.caches[cache], backend_of(cache));
  context_.constructing = false;
  const Layout& expected = models_[cache].layout;
  if (const Layout actual = subjects_[cache]->layout(); subjects_[cache]->abilities().layout && actual != expected) {
    const bool small = setup_.caches[cache].type == slab::ObjectSizeType::Small;
    if (actual.stride != expected.stride)
      violate("G6", "stride " + std::to_string(expected.stride), std::to_string(actual.stride));
    if (actual.objects_per_slab == 0) violate("G5", "at least one object a slab", "none");
    violate(small ? "G3" : "G4",
            std::to_string(expected.objects_per_slab) + " objects a slab, SlabInfo of " +
                std::to_string(expected.slab_info_size) + " bytes",
            std::to_string(actual.objects_per_slab) + ", " + std::to_string(actual.slab_info_size));
  }
  end();
}

bool Runner::execute(const Operation& operation) {
  const std::uint8_t cache = operation.target;
  switch (operation.kind) {
    case OperationKind::Alloc: return allocate(operation.kind, cache, operation.object), true;
    case OperationKind::AllocNoGrow:
      if (!subjects_[cache]->abilities().no_grow) return false;
      return allocate(operation.kind, cache, operation.object), true;
    case OperationKind::Free:
      if (state_of(object(operation.object)) != ObjectState::Live) return false;
      return free_object(operation.object), true;
    case OperationKind::FreeNull:
      begin(operation.kind, cache);
      expect({"M10", "free of null to do nothing"});
      subjects_[cache]->free(nullptr);
      if (!report_log.empty()) violate_expected("a misuse report");
      return end(), true;
    case OperationKind::Reserve:
      if (!subjects_[cache]->abilities().reserve) return false;
      return reserve(cache, operation.argument == reserve_everything ? ~std::size_t{0} : operation.argument), true;
    case OperationKind::Shrink:
      if (!subjects_[cache]->abilities().shrink) return false;
      return shrink(cache), true;
    case OperationKind::Destroy:
      if (!subjects_[cache]->abilities().owns_live_slabs) return false;
      destroy(cache);
      if (!violated()) construct(cache);
      return true;
    case OperationKind::Fail: return backends_[operation.target].fail(operation), true;
    case OperationKind::Recover: return backends_[operation.target].recover(), true;
    case OperationKind::Reenter:
      if (!subjects_[cache]->abilities().detects_misuse) return false;
      armed_reentry_[cache] = operation.detail;
      return true;
    default: return misuse(operation);
  }
}

void Runner::allocate(OperationKind kind, std::uint8_t cache, std::uint32_t ordinal) {
  begin(kind, cache);
  const Source source = expected_source(cache);
  expect(expected_object(kind, cache, source));
  const std::uintptr_t object =
      address(kind == OperationKind::Alloc ? subjects_[cache]->alloc() : subjects_[cache]->alloc_no_grow());
  log_.add(0x100 | static_cast<std::uint64_t>(kind), object ? arena_.relative(object) : 0, ordinal);
  if (!violated()) {
    if (object)
      judge_object(cache, ordinal, object, source);
    else
      judge_refusal(kind, cache);
  }
  end();
}

Runner::Source Runner::expected_source(std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  const SlabRecord* const current = model.current ? backend_of(cache).find(model.current) : nullptr;
  if (current && current->used < model.layout.objects_per_slab) return {current->base, CacheModel::bins};
  return {0, model.partial_slabs() > 0 ? model.fullest_bin() : CacheModel::bins};
}

Expectation Runner::expected_object(OperationKind kind, std::uint8_t cache, const Source& source) const {
  const Abilities& abilities = subjects_[cache]->abilities();
  if (!abilities.layout) return {"G8", "an object of its own, or null when there is no memory"};
  if (models_[cache].free_objects() == 0 && kind != OperationKind::Alloc)
    return {"B20", "null while no slab has a free object"};
  if (!abilities.follows_policy) return {"L4", "an object disjoint from all live ones"};
  if (source.slab != 0) return {"L5", "an object of the current slab while that has a free one"};
  return {"L5", source.bin < CacheModel::bins ? "an object of a slab in the fullest bin"
                                              : "an object of an empty or a new slab"};
}

void Runner::judge_object(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, const Source& source) {
  const CacheModel& model = models_[cache];
  const std::size_t size = model.spec.object_size;
  SlabRecord* slab = nullptr;
  const Abilities& abilities = subjects_[cache]->abilities();
  if (context_.refused && abilities.layout) return violate_expected("an object");
  if (abilities.takes_memory && !backend_of(cache).is_memory_of(cache, object, size))
    return violate("G8", "an object inside memory that the subject was given", "a pointer elsewhere");
  if (subjects_[cache]->abilities().layout) {
    slab = backend_of(cache).find(object);
    if (!slab || slab->cache != cache || slab->abandoned)
      return violate("G8", "an object inside one live slab of the cache", "a pointer elsewhere");
    const std::size_t end = object - slab->base + size;
    if (end > slab->size)
      return violate("G8", "an object inside one slab", "one that ends at offset " + std::to_string(end));
    if (end > model.layout.slab_info_offset)
      return violate("G9", "an object that ends before SlabInfo", "one that ends at offset " + std::to_string(end));
  }
  if (const LiveRange* other = reference_.admit({object, object + size, ordinal, cache}))
    return violate(other->begin == object ? "L4" : "G11", "an object disjoint from all live ones",
                   "it overlaps " + name_of(other->ordinal));
  if (const std::size_t align = std::min<std::size_t>(model.spec.object_align, abilities.max_align);
      object % align != 0)
    return violate("G6", "an object aligned to " + std::to_string(align), "one that is not");
  if (slab) judge_slot(cache, *slab, object, source);
  if (violated()) return;
  stamp(object, size, ordinal);
  if (ordinal == no_ordinal) return;
  this->object(ordinal) = {object,
                           slab ? slab->generation : 0,
                           static_cast<std::uint32_t>(live_.size()),
                           incarnations_[cache],
                           cache,
                           ObjectState::Live};
  live_.push_back(ordinal);
}

void Runner::judge_slot(std::uint8_t cache, SlabRecord& slab, std::uintptr_t object, const Source& source) {
  CacheModel& model = models_[cache];
  const std::size_t offset = object - slab.base, slot = offset / model.layout.stride;
  if (offset % model.layout.stride != 0 || slot >= model.layout.objects_per_slab)
    return violate("G7", "slab + k * stride", "offset " + std::to_string(offset));
  if (slab.saved_pages != model.mapped_pages())
    return violate("B9", std::to_string(model.mapped_pages()) + " pages saved before an object is returned",
                   std::to_string(slab.saved_pages));
  if (subjects_[cache]->abilities().follows_policy) {
    const bool as_expected = source.slab != 0                ? slab.base == source.slab
                             : source.bin < CacheModel::bins ? slab.used != 0 && model.bin_of(slab.used) == source.bin
                                                             : slab.used == 0;
    if (!as_expected) return violate_expected("one of a slab with " + std::to_string(slab.used) + " objects");
  }
  model.used_changed(slab.used, slab.used + 1);
  ++slab.used;
  slab.handed_out[slot] = true;
  model.current = slab.base;
  if (subjects_[cache]->abilities().poisons) judge_poisoning(model, slab, slot);
}

// An object is open to everybody; its padding, and a slot behind it that was never handed out, to nobody.
void Runner::judge_poisoning(const CacheModel& model, const SlabRecord& slab, std::size_t slot) {
  const std::size_t stride = model.layout.stride, size = model.spec.object_size;
  const std::uintptr_t object = slab.base + slot * stride, next = object + stride;
  if (!is_open(object, size)) return violate("M11", "an object that may be used", "poisoned bytes in it");
  if (size < stride && !is_closed(next - 1)) return violate("M11", "padding that may not be used", "it is open");
  if (slot + 1 < model.layout.objects_per_slab && !slab.handed_out[slot + 1] && !is_closed(next))
    violate("M11", "a slot never handed out that may not be used", "it is open");
}

// The object at `address` is about to be freed.
void Runner::retire(std::uint8_t cache, std::uintptr_t address) {
  reference_.retire(address);
  if (!subjects_[cache]->abilities().layout) return;
  SlabRecord& slab = *backend_of(cache).find(address);
  models_[cache].used_changed(slab.used, slab.used - 1);
  --slab.used;
}

void Runner::judge_refusal(OperationKind kind, std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  const Abilities& abilities = subjects_[cache]->abilities();
  if (!abilities.layout) {  // memory of its own may run out
    if (abilities.takes_memory && !context_.refused) violate("B15", "null only when memory was refused", "null");
    return;
  }
  if (kind == OperationKind::AllocNoGrow) {
    if (model.free_objects() > 0)
      violate("B20", "an object from alloc_no_grow", "null with " + std::to_string(model.free_objects()) + " free");
    return;
  }
  if (!context_.refused) return violate("B15", "null only when a backend call failed", "null");
  check_given_back();
  if (abilities.statistics && subjects_[cache]->statistics() != model.statistics())
    violate("B15", "after a failed alloc " + describe(model.statistics()), describe(subjects_[cache]->statistics()));
}

// After a backend call failed: no slab of this operation is left.
void Runner::check_given_back() {
  for (const SlabRecord* const slab : backend_of(context_.cache_index).slabs())
    if (slab->fresh)
      return violate(context_.refused, "the slab given back after a backend call failed", "it is outstanding");
}

void Runner::free_object(std::uint32_t ordinal) {
  Object& freed = object(ordinal);
  const std::uint8_t cache = freed.cache;
  CacheModel& model = models_[cache];
  check_contents(ordinal);
  if (violated()) return;
  begin(OperationKind::Free, cache);
  context_.freed = freed.address;
  retire(cache, freed.address);
  expect({"S3", live_objects, model.live_objects()});
  freed.state = ObjectState::Dead;
  objects_[live_.back()].live_index = freed.live_index;
  live_[freed.live_index] = live_.back();
  live_.pop_back();
  log_.add(0x100 | static_cast<std::uint64_t>(OperationKind::Free), arena_.relative(freed.address), ordinal);
  subjects_[cache]->free(pointer(freed.address));
  const SlabRecord* const slab = backend_of(cache).find(freed.address);
  const bool kept = slab && slab->generation == freed.generation;
  if (kept && subjects_[cache]->abilities().poisons &&
      !(is_closed(freed.address) && is_closed(freed.address + model.spec.object_size - 1)))
    violate("M11", "a freed object that may not be used", "it is open");
  if (model.empty_slabs() > model.kept_slabs() && subjects_[cache]->abilities().follows_policy)
    violate("L6", "at most " + std::to_string(model.kept_slabs()) + " empty slabs kept",
            std::to_string(model.empty_slabs()));
  end();
}

void Runner::reserve(std::uint8_t cache, std::size_t n) {
  CacheModel& model = models_[cache];
  const std::size_t slabs = model.slabs();
  begin(OperationKind::Reserve, cache);
  context_.wanted = n;
  expect({"B20", "% free objects after a true reserve", n, n == ~std::size_t{0} ? "SIZE_MAX" : nullptr});
  const bool reserved = subjects_[cache]->reserve(n);
  log_.add(0x100 | static_cast<std::uint64_t>(OperationKind::Reserve), n, reserved);
  if (reserved) {
    const std::size_t per_slab = model.layout.objects_per_slab;
    if (context_.refused) violate_expected("true");
    if (model.free_objects() < n) violate_expected(std::to_string(model.free_objects()));
    model.reserved_slabs = n / per_slab + (n % per_slab != 0);
  } else {
    if (!context_.refused) violate("B20", "false only when a backend call failed", "false");
    check_given_back();
    if (model.slabs() != slabs)
      violate("B20", std::to_string(slabs) + " slabs after a false reserve", std::to_string(model.slabs()));
  }
  end();
}

void Runner::shrink(std::uint8_t cache) {
  CacheModel& model = models_[cache];
  const std::size_t empty = model.empty_slabs();
  begin(OperationKind::Shrink, cache);
  expect({"L7", "shrink to return %", empty});
  const std::size_t returned = subjects_[cache]->shrink();
  log_.add(0x100 | static_cast<std::uint64_t>(OperationKind::Shrink), returned);
  if (model.empty_slabs() != 0) violate("L7", "no empty slab left", std::to_string(model.empty_slabs()));
  if (returned != empty) violate_expected(std::to_string(returned));
  model.reserved_slabs = 0;
  end();
}

void Runner::destroy(std::uint8_t cache) {
  CacheModel& model = models_[cache];
  RecordingBackend& backend = backend_of(cache);
  const std::size_t live = model.live_objects();
  const bool checks = subjects_[cache]->abilities().detects_misuse;
  const void* const identity = subjects_[cache]->identity();
  begin(OperationKind::Destroy, cache);
  const Expectation reports = {"M9", "% reports of live objects", checks ? live : 0};
  expect(reports);
  subjects_[cache]->~AnySubject();
  check_contents();
  if (violated()) return;
  expect(reports);
  // Each live object once: that many reports, each of a live object, none twice.
  std::size_t reported = 0;
  for (const slab::MisuseReport& report : report_log) {
    const LiveRange* range = reference_.find(address(report.pointer));
    if (report.kind != slab::Misuse::LiveAtDestruction || report.cache != identity || !range ||
        range->begin != address(report.pointer) || range->cache != cache ||
        state_of(object(range->ordinal)) != ObjectState::Live)
      return violate("M9", "a report for each live object", "another report");
    object(range->ordinal).state = ObjectState::Absent;
    ++reported;
  }
  if (reported != reports.number) return violate_expected(std::to_string(reported));
  log_.add(0x100 | static_cast<std::uint64_t>(OperationKind::Destroy), reported);
  report_log.clear();
  if (backend.memory_of(cache) != 0)
    return violate("B18", "all memory given back", std::to_string(backend.memory_of(cache)) + " blocks kept");
  if (model.empty_slabs() != 0)
    return violate(live ? "M9" : "B18", "every empty slab given back", std::to_string(model.empty_slabs()) + " kept");
  if (model.spec.row() == slab::Row::Large && backend.infos_of(cache) != model.slabs())
    return violate("B14", std::to_string(model.slabs()) + " SlabInfos left", std::to_string(backend.infos_of(cache)));
  incarnations_[cache] = ++last_incarnation_;
  std::erase_if(live_, [&](std::uint32_t ordinal) { return objects_[ordinal].cache == cache; });
  for (std::uint32_t i = 0; i < live_.size(); ++i) objects_[live_[i]].live_index = i;
  for (SlabRecord* const slab : backend.slabs())
    if (slab->cache == cache && !slab->abandoned) backend.abandon(*slab);
  context_.cache = nullptr;
}

// Checks.

void Runner::check_reports() {
  if (report_log.empty()) return;
  const slab::Misuse kind = report_log.front().kind;
  violate(invariant_of(kind), "no misuse report", slab::to_string(kind));
}

void Runner::check_statistics(std::uint8_t cache, const char* blamed) {
  const CacheModel& model = models_[cache];
  if (model.spec.row() == slab::Row::Large && backend_of(cache).infos_of(cache) != model.slabs())
    violate("B14", std::to_string(model.slabs()) + " SlabInfos, one a slab",
            std::to_string(backend_of(cache).infos_of(cache)));
  if (!subjects_[cache]->abilities().statistics) return;
  const slab::CacheStatistics expected = model.statistics();
  const Expectation before = expect({"S3", live_objects, expected.allocated_objects});
  const slab::CacheStatistics actual = subjects_[cache]->statistics();
  if (actual == expected) return void(expect(before));
  const bool are_slabs_counted = actual.full_slabs == expected.full_slabs &&
                                 actual.partial_slabs == expected.partial_slabs &&
                                 actual.empty_slabs == expected.empty_slabs;
  if (!blamed && are_slabs_counted && actual.allocated_objects != expected.allocated_objects)
    return violate_expected(std::to_string(actual.allocated_objects));
  violate(blamed ? blamed : are_slabs_counted ? "S1" : "S2", describe(expected), describe(actual));
}

void Runner::check_contents() {
  expect(untouched_objects);
  for (std::size_t i = 0; i < live_.size() && !violated(); ++i) check_contents(live_[i]);
}

void Runner::check_contents(std::uint32_t ordinal) {
  const Object& object = objects_[ordinal];
  expect(untouched_objects);
  const auto at = find_damage(object.address, models_[object.cache].spec.object_size, ordinal);
  if (at >= 0) violate_expected(name_of(ordinal) + " changed at offset " + std::to_string(at));
}

void Runner::check_audit(std::uint8_t cache) {
  if (violated()) return;
  expect({"L1 to L3, L8", "audit() to hold"});
  if (const char* failed = subjects_[cache]->audit()) violate(failed, expected_.words, "it fails");
  check_statistics(cache);
}

}  // namespace slabproof
