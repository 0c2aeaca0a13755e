# The event logs of some programs are the same from this build and from g++ at -O0; with SLABPROOF_DEEP above 1 in the
# environment from g++ and clang at -O0 and at -O3 too. Included by model/CMakeLists.txt; run as a script (cmake -P) it
# is the test.
if(CMAKE_SCRIPT_MODE_FILE)
  function(compare program made_by)
    execute_process(COMMAND ${program} OUTPUT_VARIABLE digests COMMAND_ERROR_IS_FATAL ANY)
    if(NOT digests MATCHES "^agreed [1-9].*\n.*\n.*\n")
      message(FATAL_ERROR "${made_by} prints no event logs:\n${digests}")
    endif()
    if(NOT DEFINED first)
      set(first "${digests}" PARENT_SCOPE)
    elseif(NOT digests STREQUAL first)
      message(FATAL_ERROR "The event logs of ${made_by} differ from the first ones:\n${digests}\n${first}")
    endif()
  endfunction()
  compare(${BUILT} "this build")
  foreach(compiler IN LISTS COMPILERS)
    set(levels O0)
    if("$ENV{SLABPROOF_DEEP}" GREATER 1)
      set(levels O0 O3)
    elseif(compiler MATCHES clang)
      continue()
    endif()
    foreach(level IN LISTS levels)
      execute_process(COMMAND ${compiler} -std=c++20 -${level} ${FLAGS} ${SOURCES} -o ${PROGRAM}
        COMMAND_ERROR_IS_FATAL ANY)
      compare(${PROGRAM} "${compiler} -${level}")
    endforeach()
  endforeach()
  return()
endif()

include(${PROJECT_SOURCE_DIR}/ci/compilers.cmake)
set(digest_compilers ${SLAB_NEWEST_CLANG})
if(SLAB_GXX)
  list(APPEND digest_compilers ${SLAB_GXX})
endif()
set(digest_sources judge/digests.cpp judge/expectation.cpp judge/judgement.cpp judge/verdict.cpp memory/arena.cpp
  memory/contents.cpp subject/saboteur.cpp)
list(TRANSFORM digest_sources PREPEND ${PROJECT_SOURCE_DIR}/model/)
list(APPEND digest_sources ${slabproof_judge_at_full_speed})
add_executable(log_digests judge/digests.cpp)
target_link_libraries(log_digests PRIVATE saboteur model)
add_test(NAME model.EventLog.IsTheSameFromEveryCompiler
  COMMAND ${CMAKE_COMMAND} "-DCOMPILERS=${digest_compilers}"
    "-DFLAGS=-I${PROJECT_SOURCE_DIR};-I${PROJECT_SOURCE_DIR}/allocator/include"
    "-DSOURCES=${digest_sources}" -DBUILT=$<TARGET_FILE:log_digests> -DPROGRAM=${CMAKE_CURRENT_BINARY_DIR}/digests
    -P ${CMAKE_CURRENT_LIST_FILE})
set_tests_properties(model.EventLog.IsTheSameFromEveryCompiler PROPERTIES TIMEOUT 1200 COST 200)  # begun first
