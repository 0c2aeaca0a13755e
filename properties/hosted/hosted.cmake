# <slab/hosted/> as one heap under the judge of any allocator (docs/hosted.md): RapidCheck, random programs, and every
# state of a region of five pages. What is shared with its fuzz target is in fuzz/hosted.cmake.
add_library(subject_property OBJECT machines/subject_property.cpp)
target_link_libraries(subject_property PRIVATE machines GTest::gtest)
function(add_hosted_properties name subject)
  add_executable(${name} ${ARGN} $<TARGET_OBJECTS:subject_property> $<TARGET_OBJECTS:no_unseen_libraries>
    $<TARGET_OBJECTS:${subject}>)
  target_link_libraries(${name} PRIVATE machines GTest::gtest)
endfunction()
add_hosted_properties(hosted_properties hosted_subject)
add_hosted_properties(hosted_properties_planted planted_hosted_subject)
set_target_properties(hosted_properties_planted PROPERTIES EXCLUDE_FROM_ALL ON)  # by hand
add_test(NAME hosted.KeepsItsPromisesInGeneratedPrograms COMMAND hosted_properties)
set_tests_properties(hosted.KeepsItsPromisesInGeneratedPrograms PROPERTIES TIMEOUT 600 LABELS seeded)

list(TRANSFORM slabproof_explorer PREPEND ${PROJECT_SOURCE_DIR}/)
add_library(subject_explorer OBJECT ${slabproof_explorer})
target_link_libraries(subject_explorer PRIVATE model)
compile_by_eights(subject_explorer)
function(add_hosted_explorer name subject)
  # A state is bytes. Those between members (of a Geometry) are then zeros: a copy of one copies them too.
  target_compile_options(${subject} PRIVATE -O0 -ftrivial-auto-var-init=zero)
  add_executable(${name} $<TARGET_OBJECTS:${subject}> $<TARGET_OBJECTS:no_unseen_libraries>
    $<TARGET_OBJECTS:subject_explorer>)
  target_link_libraries(${name} PRIVATE explorer saved_program)
endfunction()
add_hosted_subject(small_hosted SOURCES hosted/small_subject.cpp)
add_hosted_subject(planted_small_hosted SOURCES hosted/small_subject.cpp PLANTED)
add_hosted_explorer(hosted_explore small_hosted_subject)
add_hosted_explorer(hosted_explore_planted planted_small_hosted_subject)
# Worlds that are complete in a second or three: slabs; runs of pages; SlabInfos of a class of 15; a cache of each row.
foreach(world "Slabs;4096,8192,16384;4096;1" "RunsOfPages;4096,12288;4096;1" "SlabInfosOfAllSorts;264,5000;1;1"
    "ASinglePageCache;1;1;2"
    "AMultiPageAndALargeCache;2,3;1;1" "ALargeCache;3;1;2")
  list(GET world 0 name)
  list(GET world 1 sizes)
  list(GET world 2 aligns)
  list(GET world 3 live)
  add_test(NAME hosted.EveryStateOf${name}
    COMMAND hosted_explore --sizes ${sizes} --aligns ${aligns} --live ${live} --output found)
endforeach()
# A few of each sort; all of them by hand.
if(SLAB_SANITIZE)
  add_test(NAME hosted.FindsPlantedBugs COMMAND ${PROJECT_SOURCE_DIR}/fuzz/planted/subject_bugs.py
    --table hosted_edits --replay $<TARGET_FILE:hosted_planted_replay>
    --explore $<TARGET_FILE:hosted_explore_planted> "--world=--sizes 4096,12288 --aligns 4096 --live 1"
    rest_forgotten rest_serves_at_once run_freed_rounded joins_beyond_the_run settled_before_loose
    clean_before_kept freed_slab_is_settled never_merges joins_once joined_bytes_not_kept
    refused_discard_counted trims_the_block_before trimmed_stays_kept freed_slab_counted_as_live head_stays_mapped
    missing_map_ignored deleted_page_stays next_class_at_exact_size last_class_not_shrunk infos_not_trimmed
    upstream_gets_slab_block wrong_kind_reported)
  set_tests_properties(hosted.FindsPlantedBugs PROPERTIES TIMEOUT 600)
endif()
