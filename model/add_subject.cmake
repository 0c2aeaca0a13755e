# The door for other people's allocators (docs/subjects.md):
#
#   slabproof_add_subject(NAME SOURCES FILE... [LIBRARIES TARGET...] [INSTRUMENT TARGET...])
#
# FILE... has a class with SLABPROOF_SUBJECT (<slabproof/subject.hpp>). Makes
#   NAME_replay      random programs, replay, minimizing
#   NAME_explore     every state of small worlds, of a subject whose state can be seen
#   NAME_fuzz        the same class as a libFuzzer target, where the compiler is clang
#   NAME_properties  as a RapidCheck property under GoogleTest, in ctest, where both are installed
# LIBRARIES are linked as they are. Of a target in INSTRUMENT the sources are compiled once more, with sanitizers and
# for the fuzzer's guidance, and the target itself is not linked. Nothing of the harness reaches any other target.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/how_compiled.cmake)
set(SLABPROOF_SANITIZE "address,undefined" CACHE STRING "Sanitizers for subjects; none where it is empty")

# What is the same for all subjects of a project, on first use.
function(slabproof_make_harness)
  cmake_path(GET CMAKE_CURRENT_FUNCTION_LIST_DIR PARENT_PATH root)
  include(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/sources.cmake)
  list(APPEND slabproof_replay ${slabproof_replay_of_subjects})
  foreach(part judge judge_at_full_speed replay explorer target machines)
    list(TRANSFORM slabproof_${part} PREPEND ${root}/)
  endforeach()
  set(sanitizers)
  if(SLABPROOF_SANITIZE)
    set(sanitizers -fsanitize=${SLABPROOF_SANITIZE})
    set(stop -fno-sanitize-recover=all)
  endif()

  add_library(slabproof_headers INTERFACE)
  target_compile_features(slabproof_headers INTERFACE cxx_std_20)
  target_include_directories(slabproof_headers SYSTEM INTERFACE
    ${root} ${root}/model/include ${root}/allocator/include ${root}/allocator/hosted)
  # How a subject is compiled.
  add_library(slabproof_flags INTERFACE)
  target_compile_options(slabproof_flags INTERFACE -g -O2 -fno-omit-frame-pointer ${sanitizers} ${stop})
  target_link_libraries(slabproof_flags INTERFACE slabproof_headers)
  # How the harness is: without sanitizers, which look at the subject; only what touches objects has them. No warning
  # of it is the project's business.
  add_library(slabproof_harness_flags INTERFACE)
  target_compile_options(slabproof_harness_flags INTERFACE -w -g1 -fno-omit-frame-pointer)
  if(SLABPROOF_SANITIZE MATCHES address)
    target_compile_definitions(slabproof_harness_flags INTERFACE SLABPROOF_ASAN=1)
  endif()
  target_link_libraries(slabproof_harness_flags INTERFACE slabproof_headers)
  set(is_clang OFF)
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    set(is_clang ON)
  endif()
  set_property(GLOBAL PROPERTY slabproof_is_clang ${is_clang})

  add_library(slabproof_possible_checks STATIC EXCLUDE_FROM_ALL ${root}/model/process/possible_checks.cpp)
  target_link_libraries(slabproof_possible_checks PRIVATE slabproof_harness_flags)
  if(sanitizers)
    target_compile_definitions(slabproof_possible_checks PRIVATE SLABPROOF_SANITIZED)
  endif()

  set(touches_objects ${root}/model/memory/contents.cpp)
  list(REMOVE_ITEM slabproof_judge ${slabproof_judge_at_full_speed} ${touches_objects})
  add_library(slabproof_judge_at_full_speed OBJECT EXCLUDE_FROM_ALL ${slabproof_judge_at_full_speed})
  target_link_libraries(slabproof_judge_at_full_speed PRIVATE slabproof_harness_flags)
  target_compile_options(slabproof_judge_at_full_speed PRIVATE -O3)
  add_library(slabproof_contents OBJECT EXCLUDE_FROM_ALL ${touches_objects})
  target_link_libraries(slabproof_contents PRIVATE slabproof_headers)
  target_compile_options(slabproof_contents PRIVATE -w -g1 -O3 -fno-omit-frame-pointer ${sanitizers}
    -fno-sanitize=undefined)
  add_library(slabproof_judge STATIC EXCLUDE_FROM_ALL ${slabproof_judge}
    $<TARGET_OBJECTS:slabproof_judge_at_full_speed> $<TARGET_OBJECTS:slabproof_contents>)
  target_compile_options(slabproof_judge PRIVATE -O1)
  target_link_libraries(slabproof_judge PRIVATE slabproof_harness_flags PUBLIC slabproof_possible_checks)
  target_link_options(slabproof_judge INTERFACE ${sanitizers} LINKER:-u,slabproof_possible_checks)

  add_library(slabproof_replay OBJECT EXCLUDE_FROM_ALL ${slabproof_replay} ${root}/fuzz/replay/build.cpp)
  target_compile_definitions(slabproof_replay PRIVATE SLABPROOF_REPLAY_PAGE="${root}/fuzz/replay/replay_page.html")
  target_compile_options(slabproof_replay PRIVATE -O1)
  target_link_libraries(slabproof_replay PRIVATE slabproof_harness_flags)

  add_library(slabproof_explorer OBJECT EXCLUDE_FROM_ALL ${slabproof_explorer})
  target_compile_options(slabproof_explorer PRIVATE -O2)
  target_link_libraries(slabproof_explorer PRIVATE slabproof_harness_flags)

  if(is_clang)
    add_library(slabproof_target OBJECT EXCLUDE_FROM_ALL ${slabproof_target} ${root}/fuzz/targets/fuzz_subject.cpp)
    target_compile_options(slabproof_target PRIVATE -O2)
    target_link_libraries(slabproof_target PRIVATE slabproof_harness_flags)
  endif()
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a subject may be added from another folder
  find_package(GTest QUIET)
  find_package(rapidcheck QUIET)
  if(GTest_FOUND AND rapidcheck_FOUND)
    add_library(slabproof_machines OBJECT EXCLUDE_FROM_ALL ${slabproof_machines}
      ${root}/properties/machines/subject_property.cpp)
    target_compile_options(slabproof_machines PRIVATE -O1)
    target_link_libraries(slabproof_machines PRIVATE slabproof_harness_flags PUBLIC rapidcheck GTest::gtest)
  endif()
  # Most of what its compilation costs is headers.
  foreach(part judge judge_at_full_speed replay explorer target machines)
    if(TARGET slabproof_${part})
      set_target_properties(slabproof_${part} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    endif()
  endforeach()
endfunction()

# The sources of a target, compiled once more.
function(slabproof_instrument name target)
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  set(absolute)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
    list(APPEND absolute ${source})
  endforeach()
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${absolute})
  foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS COMPILE_FEATURES CXX_STANDARD C_STANDARD)
    get_target_property(value ${target} ${property})
    if(value)
      set_property(TARGET ${name} PROPERTY ${property} ${value})
    endif()
  endforeach()
  get_target_property(libraries ${target} LINK_LIBRARIES)
  if(libraries)
    target_link_libraries(${name} PRIVATE ${libraries})
  endif()
endfunction()

function(slabproof_add_subject name)
  cmake_parse_arguments(PARSE_ARGV 1 subject "" "" "SOURCES;LIBRARIES;INSTRUMENT")
  if(NOT subject_SOURCES OR subject_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "slabproof_add_subject(${name}): expected SOURCES and files with SLABPROOF_SUBJECT, then "
      "LIBRARIES and INSTRUMENT if need be; got '${subject_UNPARSED_ARGUMENTS}' besides")
  endif()
  foreach(target IN LISTS subject_INSTRUMENT)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "slabproof_add_subject(${name}): INSTRUMENT ${target}: there is no such target")
    endif()
  endforeach()
  if(NOT TARGET slabproof_judge)
    slabproof_make_harness()
  endif()
  get_property(is_clang GLOBAL PROPERTY slabproof_is_clang)

  set(parts ${name}_subject)
  add_library(${name}_subject OBJECT EXCLUDE_FROM_ALL ${subject_SOURCES})
  set_target_properties(${name}_subject PROPERTIES UNITY_BUILD OFF)  # one of these files is included in a test
  target_link_libraries(${name}_subject PRIVATE ${subject_LIBRARIES} slabproof_headers)
  foreach(target IN LISTS subject_INSTRUMENT)
    slabproof_instrument(${name}_${target} ${target})
    list(APPEND parts ${name}_${target})
    target_include_directories(${name}_subject PRIVATE $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(${name}_subject PRIVATE $<TARGET_PROPERTY:${target},INTERFACE_COMPILE_DEFINITIONS>)
  endforeach()
  set(objects)
  foreach(part IN LISTS parts)
    target_link_libraries(${part} PRIVATE slabproof_flags)
    if(is_clang)
      target_compile_options(${part} PRIVATE
        $<$<OR:$<COMPILE_LANG_AND_ID:C,Clang>,$<COMPILE_LANG_AND_ID:CXX,Clang>>:-fsanitize=fuzzer-no-link>)
    endif()
    list(APPEND objects $<TARGET_OBJECTS:${part}>)
  endforeach()

  # What the tools say at their start.
  set(facts ${CMAKE_CURRENT_BINARY_DIR}/${name}_unseen.cpp)
  list(JOIN subject_LIBRARIES ", " libraries)
  file(CONFIGURE OUTPUT ${facts} CONTENT
    "namespace slabproof {\nconst char* unseen_libraries() { return \"@libraries@\"; }\n}\n" @ONLY)

  add_executable(${name}_replay ${facts} ${objects} $<TARGET_OBJECTS:slabproof_replay>)
  slabproof_note_compilation(${name} PARTS ${parts} LIBRARIES ${subject_LIBRARIES})
  add_executable(${name}_explore ${facts} ${objects} $<TARGET_OBJECTS:slabproof_explorer>)
  foreach(tool replay explore)
    target_link_libraries(${name}_${tool} PRIVATE slabproof_judge ${subject_LIBRARIES})
    if(is_clang)
      target_link_options(${name}_${tool} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
  endforeach()
  if(is_clang)
    add_executable(${name}_fuzz ${facts} ${objects} $<TARGET_OBJECTS:slabproof_target>)
    target_link_libraries(${name}_fuzz PRIVATE slabproof_judge ${subject_LIBRARIES})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  endif()
  if(TARGET slabproof_machines)
    add_executable(${name}_properties ${facts} ${objects} $<TARGET_OBJECTS:slabproof_machines>)
    target_link_libraries(${name}_properties PRIVATE slabproof_judge slabproof_machines ${subject_LIBRARIES})
    if(is_clang)
      target_link_options(${name}_properties PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    add_test(NAME ${name}_properties COMMAND ${name}_properties)
  endif()
endfunction()
