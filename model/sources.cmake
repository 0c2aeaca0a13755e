# The sources of the harness, by what they are part of: for model/, fuzz/ and properties/, and for
# slabproof_add_subject(), which compiles them in somebody else's project. Paths from the root.
set(slabproof_judge
  model/program/codec.cpp model/program/decoder.cpp model/program/program.cpp model/program/trace.cpp
  model/memory/arena.cpp model/memory/contents.cpp model/memory/recording_backend.cpp
  model/memory/recording_backend_errors.cpp model/memory/region.cpp
  model/judge/any/allocation.cpp model/judge/any/any_runner.cpp model/judge/any/checks.cpp model/judge/any/claims.cpp
  model/judge/slab/allocation.cpp model/judge/slab/backend_calls.cpp model/judge/slab/checks.cpp
  model/judge/slab/damage.cpp model/judge/slab/guards.cpp model/judge/slab/misuse.cpp
  model/judge/slab/misuse_oracle.cpp model/judge/slab/operations.cpp model/judge/slab/reentry.cpp
  model/judge/slab/runner.cpp
  model/judge/expectation.cpp model/judge/geometry_oracle.cpp model/judge/judgement.cpp model/judge/trace_oracle.cpp
  model/judge/verdict.cpp
  model/process/cannot_judge.cpp model/process/child.cpp model/process/isolated.cpp
  model/process/isolated_judgement.cpp model/process/malloc_library.cpp model/process/minimize_progress.cpp
  model/process/minimizer.cpp model/process/pass.cpp
  model/process/sanitizer_hooks.cpp model/process/sanitizer_report.cpp model/process/simpler_geometry.cpp
  model/process/watchdog.cpp)
# Of these, what handles nothing but its own memory. A fuzzer's judge is compiled without sanitizers there: inputs a
# second are what finds bugs.
set(slabproof_judge_at_full_speed
  model/program/decoder.cpp model/memory/recording_backend.cpp model/memory/recording_backend_errors.cpp
  model/memory/region.cpp
  model/judge/any/allocation.cpp model/judge/any/any_runner.cpp model/judge/any/checks.cpp model/judge/any/claims.cpp
  model/judge/slab/allocation.cpp model/judge/slab/backend_calls.cpp model/judge/slab/checks.cpp
  model/judge/slab/damage.cpp model/judge/slab/guards.cpp model/judge/slab/misuse.cpp
  model/judge/slab/misuse_oracle.cpp model/judge/slab/operations.cpp model/judge/slab/reentry.cpp
  model/judge/slab/runner.cpp)
# The replay tool; its tests and pages of a slab cache, and those of a pool or a heap.
set(slabproof_replay
  fuzz/chain/chain.cpp fuzz/chain/chain_minimizer.cpp fuzz/chain/chain_run.cpp fuzz/replay/answer.cpp
  fuzz/replay/batch.cpp fuzz/replay/history.cpp fuzz/replay/input.cpp fuzz/replay/joined.cpp fuzz/replay/json.cpp
  fuzz/replay/minimize_file.cpp
  fuzz/replay/options.cpp fuzz/replay/picture.cpp fuzz/replay/random.cpp
  fuzz/replay/replay.cpp fuzz/replay/replay_chain.cpp fuzz/replay/test_comment.cpp fuzz/replay/write_page.cpp
  fuzz/replay/write_test.cpp)
set(slabproof_replay_of_slabs
  fuzz/replay/as_test.cpp fuzz/replay/generated_test/backend.cpp fuzz/replay/generated_test/body.cpp
  fuzz/replay/generated_test/expectations.cpp fuzz/replay/generated_test/helpers.cpp
  fuzz/replay/generated_test/memory.cpp fuzz/replay/generated_test/plan.cpp fuzz/replay/generated_test/steps.cpp
  fuzz/replay/generated_test/steps_damage.cpp fuzz/replay/generated_test/steps_reentry.cpp
  fuzz/replay/recording.cpp fuzz/replay/slabs_on_page.cpp)
set(slabproof_replay_of_subjects
  fuzz/replay/memory_on_page.cpp fuzz/replay/subject_test/as_test.cpp fuzz/replay/subject_test/body.cpp
  fuzz/replay/subject_test/checks_text.cpp fuzz/replay/subject_test/compile_commands.cpp
  fuzz/replay/subject_test/how_compiled.cpp
  fuzz/replay/subject_test/judge_text.cpp fuzz/replay/subject_test/parts.cpp fuzz/replay/subject_test/selected.cpp
  fuzz/replay/subject_test/source_text.cpp)
# The explorer of any subject.
set(slabproof_explorer
  properties/explore/subject/command_line.cpp properties/explore/subject/explore_main.cpp
  properties/explore/subject/explorer.cpp properties/explore/subject/search.cpp properties/explore/subject/state.cpp
  properties/explore/subject/world.cpp)
set(slabproof_target
  fuzz/targets/program_target.cpp fuzz/targets/libfuzzer_mutator.cpp fuzz/targets/mutator.cpp
  fuzz/targets/statistics_file.cpp fuzz/chain/chain.cpp fuzz/chain/record_file.cpp)
set(slabproof_machines
  properties/machines/commands.cpp properties/machines/environment.cpp properties/machines/setup_generator.cpp
  properties/machines/supervised.cpp properties/saved_program.cpp)
