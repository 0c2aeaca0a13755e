"""The edits of edits.py where a Checked cache meets what others do wrong."""

from headers import BUSY, CORE, LIST, REPAIR, SLABS, STATE, SUPPLY

MISUSE_EDITS = [
    # A backend that errs.
    (SUPPLY, "if (Checks && has_known_page(geometry, slab)) return given_before = slab, nullptr;",
     "if (Checks && !@known_page_accepted && has_known_page(geometry, slab)) {\n"
     "      if (@known_slab_given_back) give_back(geometry, slab);\n"
     "      return given_before = slab, nullptr;\n    }"),
    (STATE, "return load_unknown(&info.owner) == tag() &&\n",
     "return load_unknown(&info.owner) == tag() &&\n"
     "               (!@damaged_slab_taken_as_new || has_sound_links(info, set_aside_.key)) &&\n"),
    (SUPPLY, "return given_before = memory, nullptr;",
     "if (R == Row::Large ? @own_info_unreported : @own_slab_unreported) return nullptr;\n"
     "      return given_before = memory, nullptr;"),
    (SUPPLY, "      if constexpr (R == Row::Large) give_back(geometry, slab);",
     "      if constexpr (R == Row::Large)\n"
     "        if (@own_info_given_back) free_info(geometry, static_cast<SlabInfo*>(place));\n"
     "      if (R == Row::Large ? !@slab_kept_with_own_info : @own_slab_given_back) give_back(geometry, slab);"),
    (SUPPLY, "offset += geometry.page_size())\n        if (backend_->get_slab_info(",
     "offset += geometry.page_size())\n"
     "        if (!(@first_new_page_asked_only && offset > 0) && backend_->get_slab_info("),
    (SLABS, "misused(holds(object) ? Misuse::BackendFault : kind, object, caller);",
     "misused(holds(object) && !@lost_page_is_foreign ? Misuse::BackendFault : kind, object, caller);"),
    (SLABS, "const bool is_inside = offset < geometry().slab_size(), ",
     "const bool is_inside = @wrong_slab_believed || offset < geometry().slab_size(), "),
    # Damage.
    (CORE, "if (slots.used == 1 ? !this->is_sound(info) : !has_sound_slots(info, set_aside_.key)) [[unlikely]]",
     "if (!@seal_unread_in_free &&\n"
     "          (slots.used == 1 ? !this->is_sound(info) : !has_sound_slots(info, set_aside_.key))) [[unlikely]]"),
    (CORE, "if (!this->is_sound(*info)) return kind",
     "if (!@seal_unread_in_alloc && !this->is_sound(*info)) return kind"),
    (SLABS, "if (is_waited_for || !is_sound(info)) [[unlikely]] {",
     "if (is_waited_for || (!@seal_unread_in_release && !is_sound(info))) [[unlikely]] {"),
    (SLABS, "if (Repair{*this}.knows(info)) return",
     "if (!@damaged_owner_is_another && Repair{*this}.knows(info)) return"),
    (CORE, "while (SlabInfo* const damaged = this->find_damaged_for_good(kind))",
     "while (SlabInfo* const damaged = @damage_unread_at_destruction ? nullptr : this->find_damaged_for_good(kind))"),
    (SLABS, "        report(Misuse::CorruptedSlabInfo, &one, caller);",
     "        for (int times = @damage_not_reported ? 0 : @damage_reported_twice ? 2 : 1; times > 0; --times)\n"
     "          report(Misuse::CorruptedSlabInfo, &one, caller);"),
    (REPAIR, "aside.count += gap.size;", "aside.count += @set_aside_not_counted ? 0 : gap.size;"),
    (REPAIR, "else if (used != cache_.objects_per_slab())",
     "else if (used != cache_.objects_per_slab() && !@repair_loses_partial_slabs)"),
    (REPAIR, "if (used == 0) cache_.empty_.push_front(info);",
     "if (used == 0) @repair_loses_empty_slabs ? void() : cache_.empty_.push_front(info);"),
    (REPAIR, "cache_.allocated_elsewhere_ += used;",
     "cache_.allocated_elsewhere_ += @repair_forgets_allocated ? 0 : used;"),
    (REPAIR, "if (cache_.current_ && !has_current) cache_.forget_current();",
     "if (cache_.current_ && !has_current && !@repair_keeps_the_current_slab) cache_.forget_current();"),
    (CORE, "if (row == Row::Large && !has_sound_links(*info, set_aside_.key)) [[unlikely]]",
     "if (row == Row::Large && !@seal_unread_in_large_free && !has_sound_links(*info, set_aside_.key)) [[unlikely]]"),
    (SLABS, "const bool is_set_aside = &info != current_ && ",
     "const bool is_set_aside = !@set_aside_object_reported && &info != current_ && "),
    (SLABS, "    for (std::size_t left = count_empty(); ",
     "    if constexpr (checks)\n"
     "      if (@set_aside_slab_given_back && kept == 0)\n        set_aside_.slabs.for_each([&](SlabInfo& info) {\n"
     "          set_aside_.slabs.remove(info);\n"
     "          permit_slots(&info, info.slab, this->geometry().slab_info_offset());\n"
     "          supply_.give_back(this->geometry(), info);\n        });\n"
     "    for (std::size_t left = count_empty(); "),
    (STATE, "slots = slabs * objects_per_slab();",
     "slots = (slabs + (@set_aside_slots_count_as_free ? set_aside_.count : 0)) * objects_per_slab();"),
    (LIST, "if (gap.first) gap.last = walk(", "if (gap.first && !@repaired_from_the_front_only) gap.last = walk("),
    (REPAIR, "if (is_here) list.remove(damaged);",
     "if (is_here && !@set_aside_slab_stays_listed) list.remove(damaged);"),
    (SLABS, "{ return holds(freed.object); }",
     "{ return @set_aside_keeps_quarantine || holds(freed.object); }"),
    (CORE, "const bool is_sound = this->is_sound(*freed.info);",
     "const bool is_sound = @quarantined_slab_believed || this->is_sound(*freed.info);"),
    # The mark of a cache at work.
    (BUSY, "state_ = AtWork;\n    __atomic", "state_ = @busy_mark_not_set ? Idle : AtWork;\n    __atomic"),
    (BUSY, "__atomic_signal_fence(__ATOMIC_SEQ_CST);\n    state_ = Idle;",
     "__atomic_signal_fence(__ATOMIC_SEQ_CST);\n    state_ = @busy_mark_stays ? AtWork : Idle;"),
    (SLABS, "      busy_.end_refusal();", "      @refused_call_ends_the_mark ? busy_.leave() : busy_.end_refusal();"),
    (SLABS, "    busy_.leave();\n    tell(found);",
     "    if (!@busy_after_misuse && !@misuse_reported_at_work) busy_.leave();\n"
     "    allocated_elsewhere_ += @misuse_counted_first;\n"
     "    tell(found);\n"
     "    allocated_elsewhere_ -= @misuse_counted_first;\n"
     "    if (@misuse_reported_at_work) busy_.leave();"),
    (SLABS, "      report(Misuse::ReentrantCall, object",
     "      if (@refusal_reported_at_rest) busy_.leave();\n      report(Misuse::ReentrantCall, object"),
    (SLABS, "if (checks && given_before) {\n      busy_.leave();",
     "if (checks && given_before) {\n      if (!@fault_reported_at_work) busy_.leave();"),
    (SLABS, "      busy_.enter();\n    }\n    return nullptr;",
     "      busy_.enter();\n    }\n    if (@fault_reported_first) (void)release_empty_slabs(kept, released, caller);\n"
     "    return nullptr;"),
    (CORE, "return slot ? hand_out(slot) : (busy_.leave(), nullptr);",
     "return slot ? hand_out(slot) : (@busy_after_a_failed_alloc ? void() : busy_.leave(), nullptr);"),
    (STATE, "return supply_.look_up(page);",
     "return @get_is_unguarded ? busy_.leave() : void(), supply_.look_up(@get_asks_for_the_object ? address(object) : "
     "page);"),
    (SLABS, "    supply_.give_back(geometry(), info);",
     "    if (@giving_back_is_unguarded) busy_.leave();\n    supply_.give_back(geometry(), info);"),
]
