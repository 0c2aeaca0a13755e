"""What no program can reach in a correct cache; the corpus must reach everything else."""

import re

from shared.command import CannotWork

HOSTED, SIZES = "hosted", "size classes"


class Exceptions:
    """`table` has a reason, a pattern of the groups in which it holds, and patterns of what it is about."""

    def __init__(self, table):
        self.rows = [(why, of, text) for why, of, texts in table for text in texts]
        self.used = set()

    def reason_for(self, subject, group, condition=None):
        reasons = [row for row in self.rows if self.matches(row[2], subject, condition) and re.search(row[1], group)]
        self.used.update(reasons)
        return reasons[0][0] if reasons else None

    @staticmethod
    def matches(text, subject, condition):
        """A pattern is one, or a pattern and a condition: what a decision in that statement never was is left out only
        where it is about this condition."""
        if isinstance(text, str):
            return re.search(text, subject)
        return re.search(text[0], subject) and condition == text[1]

    def unused(self):
        return [f"{text} ({why})" for why, of, text in self.rows if (why, of, text) not in self.used]

    def without(self, found):
        """Those of which `found`, a pattern -> bool, finds nothing."""
        return [f"{text} ({why})" for why, _, text in self.rows if not found(text)]


def refuse(what, exceptions):
    if exceptions:
        raise CannotWork(f"exceptions in ci/coverage that {what}; take them away, or let them name the present code:\n"
                         + "\n".join(f"  {one}" for one in exceptions))


def named(*functions):
    """Patterns of demangled names."""
    return [r"\b" + function.replace("::", r"(<.*>)?::") + r"(<.*>)?\(" for function in functions]


FUNCTIONS = Exceptions([
    ("a name for people", ".", named("slab::to_string", "hosted::to_string")),
    ("stops the program: properties/allocator/misuse_test.cpp", ".", named("detail::stop", "slab::Checked::on_misuse")),
    ("runs when a program is compiled: properties/allocator/compile_fail.cmake", ".",
     named("FixedGeometry::checked", "FixedGeometry::is")),
    ("for users; no cache needs it: properties/allocator/geometry_test.cpp", ".", named("Geometry::slot_index")),
    ("of the checks, of which Unchecked has none", "Unchecked",
     named("CacheState::report", "CacheState::tell", "CacheState::describe", "CacheState::table_of",
           "CacheSlabs::refuse", "CacheSlabs::misused_in", "CacheCore::not_put")),
    ("the row has no map to ask", "SmallSinglePage", named("CacheSlabs::misused_outside")),
    ("in place of what the policy has not; the compiler never calls it", "any",
     [r"\bBusyMark<false>::begin_refusal(<.*>)?\(", r"\bBusyMark<false>::end_refusal(<.*>)?\(",
      r"\bIncarnation<false>::take(<.*>)?\(", r"\bQuarantine<0\w*>::push(<.*>)?\(",
      r"\bQuarantine<0\w*>::pop(<.*>)?\("]),
    ("asks the real system: properties/allocator/hosted_outside_test.cpp", HOSTED,
     named("System::page_size", "System::map", "System::unmap", "System::discard")),
    ("no heap is compared with another: properties/allocator/memory_resource_test.cpp", HOSTED,
     named("MemoryResource::do_is_equal")),
    ("stops the program: properties/allocator/region_test.cpp", HOSTED, named("BasicRegion::stop")),
    ("runs when a program is compiled", f"{HOSTED}|{SIZES}",
     named("HostedSizes::slab_size_for", "KernelSizes::slab_size_for", "KernelSizes::block_size_for",
           "KernelSizes::run_size_for",
           "QuarterSteps::class_in_all", "QuarterSteps::class_of", "ClassName::ClassName",
           "detail::require_size_table", "detail::geometry_of_size")),
    ("a MemoryResource reports what it did not serve itself: properties/allocator/size_classes_misuse_test.cpp", SIZES,
     named("UndestroyedSizeClasses::free_large", "UndestroyedSizeClasses::report")),
])
# As Sources.statement() has them. A pair is a pattern and the condition of which it says so; None: of what is none.
LINES = Exceptions([
    ("a correct cache passes its audit: model/subject/sabotage_test.cpp", ".",
     [r"_audit\.hpp: .*return (AuditFailure::|failure;|false;)", r"_audit\.hpp: .*: AuditFailure::",
      r"_audit\.hpp: while \(info && info != slab", r"_audit\.hpp: .*\.meets\(", r"_audit\.hpp: return size > 0 && ",
      r"_audit\.hpp: const bool is_counted = ", r"if \(left-- == 0\) return true"]),
    ("a correct cache counts as the model does: model/subject/sabotage_test.cpp", ".", [r"operator==.*= default"]),
    ("stops the program: properties/allocator/cache_test.cpp", ".",
     [r"stop\(.DynamicCache: the geometry is", r"stop\(.DynamicCache: the geometry has"]),
    ("a misuse of GeometryResult: properties/allocator/geometry_test.cpp", ".", [r"__builtin_trap"]),
    ("no program damages a table of slots: properties/allocator/damaged_table_test.cpp", ".",
     [r"Misuse::CorruptedFreeList, ", r"if \(slots_\.used == objects_per_slab\(\)\) \{",
      r"if \(table\.is_live\(index\)\) \[\[unlikely", r"has_sound_free_list\(info\)\) damaged = &info",
      ("return take_slot", "take_slot(slot)")]),
    ("no program damages a table of slots, or two slabs at a time: properties/allocator/stray_write_test.cpp", ".",
     [r"if \(&one == &damaged && kind == Misuse::CorruptedFreeList\)"]),
    ("a program damages one slab at a time: properties/allocator/stray_write_test.cpp", "Checked",
     [r"if \(set_aside_\.has_unreached\(\) && ", r"if \(!has_sound_slots\(info, cache_\.set_aside_\.key\)\) \{",
      ("return is_found", "gap.last == &info"), ("return load_unknown", "Repair{*this}.knows(info)"),
      ("return load_unknown", "set_aside_.has_unreached()"), ("return load_unknown", "find_damaged()"),
      ("return load_unknown", None)]),
    ("a map that errs names no other cache's slab", "Checked",
     [("misused.holds.*OtherCache", "holds(object)")]),
    ("asked of what names another owner, as no sound slab does and none that was set aside", "SmallMultiPage",
     [("return is_found", "is_found"), ("return is_in", "is_in(cache_.set_aside_.slabs)")]),
    ("its SlabInfo is found by masking the pointer", "SmallSinglePage", [r"if \(!is_inside\) return misused\("]),
    ("a program damages one byte at a time: properties/allocator/stray_write_test.cpp", "Checked",
     [("return info.tabled.slots.used == mark", "has_sound_slots(info, key)")]),
    ("nothing is damaged while a cache is at work, which has looked before", "Checked",
     [r"^slab/cache_core\.hpp: while \(!this->release_empty_slabs\(0",
      r"\} while \(!this->release_empty_slabs\(kept_slabs_", r"while \(!release_empty_slabs\(kept, ",
      r"if \(&info != current_ && !has_sound_slots\("]),
    ("no program frees a wrong pointer into a damaged slab: properties/allocator/stray_write_test.cpp", "Checked",
     [r"if \(!is_linked\) return set_aside\("]),
    ("a map errs with none that was set aside, which nothing damages: properties/allocator/report_of_damage_test.cpp",
     "Checked", [("if .is_set_aside && ", "is_inside"), ("if .is_set_aside && ", "!is_linked")]),
    ("of a quarantine: properties/allocator/damaged_table_test.cpp", "Checked",
     [("if .is_waited_for ", "is_waited_for"), ("is_waited_for . Misuse", "is_waited_for")]),
    ("the 709th key of a cache is the first that is passed over: properties/allocator/stray_write_test.cpp", "any",
     [r"while \(key >> 8 == "]),
    ("a program's slab has at most 8,192 slots: properties/allocator/stray_write_test.cpp", ".",
     [r"SlotTable<std::uint32_t>\{begin\}"]),
    ("of the checks, of which Unchecked has none", "Unchecked",
     [r"if \(busy_\.is_set\(\)\)", r"if \(!put_in\(", r"if \([cC]hecks && ", r"while \(!(this->)?verify_empty_slabs\(",
      r"while \(!(this->)?release_empty_slabs\(", r"kept = kept < kept_slabs_", r"if \(!verify_empty_slab\(info",
      r"if \(!damaged\) return slot", r"set_aside_and_go_on\(\*damaged", ("return take_slot", None)]),
    ("its SlabInfo lies in the slab", "Small", [r"if \(!memory\) return give_back"]),
    ("of a Large cache alone", "Small", [r"if \(row == Row::Large && !has_sound_links"]),
    ("no SlabInfo lies in a Large slab", "Large", [r"return Misuse::SlabInfoPointer"]),
    ("the row has no map to ask or to fill", "SmallSinglePage",
     [r"return misused_outside\(object, Misuse::ForeignPointer", r"if \(!save_pages\(",
      r"if \(Checks && has_known_page"]),
    ("a correct region passes its audit: properties/allocator/region_audit_test.cpp", HOSTED,
     [r"if \(at\.size_class >= classes \|\|", r"if \(link_to\(page\) != page\)", r"if \(page != frontier_ \|\|",
      r"if \(!is_free\(block\(listed\)\.state\) \|\|"]),
    ("stops the program: properties/allocator/region_test.cpp", HOSTED, [r"\) stop\(\);"]),
    ("a program's region has one size, on a system with pages of 4096 bytes: properties/allocator/region_test.cpp",
     HOSTED, [r"error_\{size < min_page_size", r"return size_ == 0 && error_ == RegionError::None",
              r"if \(size == 0 \|\| !is_possible\(\)\)"]),
    ("no cache of a program has smaller pages: properties/allocator/hosted_backend_test.cpp", HOSTED,
     [r"return geometry\.page_size\(\) >= min_page_size &&"]),
    ("before a global's constructor: properties/allocator/hosted_system_test.cpp", HOSTED, [r"!slabs_\)"]),
    ("a MemoryResource asks for what there is: properties/allocator/size_classes_test.cpp", SIZES,
     [r"free_large\(object, ", r"return cache_at\(size_class\)->free\(object\)",
      r"return align != 0 && ", r"\(size > largest_size \|\| ", r"\(size == 0 \? 1 : size\)"]),
    ("no alignment passes over a size of its table: properties/allocator/size_classes_test.cpp", SIZES,
     [r"while \(size_class < Sizes::count && "]),
    ("of the rows with a map, whose blocks have headers", SIZES, [r"if \(!one\.backend\.is_waited_for"]),
    ("what an optimised program knows of a class", SIZES, [r"__builtin_constant_p", r"__builtin_unreachable"]),
])
