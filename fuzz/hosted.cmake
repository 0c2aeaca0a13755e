# <slab/hosted/> as one heap (properties/hosted/), and the replay tool of its programs: as it is, and with planted bugs.
set(hosted_room ${PROJECT_SOURCE_DIR}/properties/hosted)
set(hosted_source ${hosted_room}/hosted_subject.cpp)
plant_bugs(planted_hosted_headers ${CMAKE_CURRENT_SOURCE_DIR}/planted/hosted_edits.py
  ${PROJECT_SOURCE_DIR}/allocator/hosted/slab/hosted ${CMAKE_CURRENT_BINARY_DIR}/planted/allocator/hosted/slab/hosted)

function(add_hosted_subject name)
  cmake_parse_arguments(PARSE_ARGV 1 hosted "PLANTED" "" "SOURCES")
  add_library(${name}_subject OBJECT EXCLUDE_FROM_ALL ${hosted_SOURCES})
  target_include_directories(${name}_subject PRIVATE ${PROJECT_SOURCE_DIR}/model/include)
  target_link_libraries(${name}_subject PRIVATE model)
  if(hosted_PLANTED)
    target_include_directories(${name}_subject BEFORE PRIVATE ${PROJECT_BINARY_DIR}/fuzz/planted/allocator/hosted)
    add_dependencies(${name}_subject planted_hosted_headers)
  endif()
endfunction()
add_library(no_unseen_libraries OBJECT EXCLUDE_FROM_ALL ${hosted_room}/no_unseen_libraries.cpp)
target_link_libraries(no_unseen_libraries PRIVATE model)
add_hosted_subject(hosted SOURCES ${hosted_source})
add_hosted_subject(planted_hosted SOURCES ${hosted_source} PLANTED)
include(${PROJECT_SOURCE_DIR}/model/how_compiled.cmake)
set(hosted_tool replay/build.cpp $<TARGET_OBJECTS:no_unseen_libraries> $<TARGET_OBJECTS:replay_tool>
  $<TARGET_OBJECTS:replay_of_subjects>)
function(add_hosted_replay name subject)
  add_executable(${name}_replay ${hosted_tool} $<TARGET_OBJECTS:${subject}>)
  slabproof_note_compilation(${name} PARTS ${subject})
  target_link_libraries(${name}_replay PRIVATE model)
endfunction()
add_hosted_replay(hosted hosted_subject)
if(NOT SLAB_FUZZ)
  add_hosted_replay(hosted_planted planted_hosted_subject)
endif()

# Of such a subject what libFuzzer runs.
function(add_fuzz_hosted name subject)
  target_compile_options(${subject} PRIVATE -fsanitize-coverage=inline-8bit-counters,pc-table)  # as model's is
  if(SLAB_SANITIZE MATCHES address)
    target_compile_options(${subject} PRIVATE -O3 -fsanitize-address-use-after-return=never)
  endif()
  add_executable(${name} targets/fuzz_subject.cpp targets/program_target.cpp targets/libfuzzer_mutator.cpp
    $<TARGET_OBJECTS:no_unseen_libraries> $<TARGET_OBJECTS:${subject}>)
  target_link_libraries(${name} PRIVATE fuzz_support -fsanitize=fuzzer)
endfunction()
