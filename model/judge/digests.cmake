# The event logs of some programs are the same from g++ at -O0 and clang at -O3; with SLABPROOF_DEEP above 1 in the
# environment from both at both. Included by model/CMakeLists.txt; run as a script (cmake -P) it is the test.
if(CMAKE_SCRIPT_MODE_FILE)
  foreach(compiler IN LISTS COMPILERS)
    if("$ENV{SLABPROOF_DEEP}" GREATER 1)
      set(levels O0 O3)
    elseif(compiler MATCHES clang)  # one of each: another one takes a minute of every run
      set(levels O3)
    else()
      set(levels O0)
    endif()
    foreach(level IN LISTS levels)
      execute_process(COMMAND ${compiler} -std=c++20 -${level} ${FLAGS} ${SOURCES} -o ${PROGRAM}
        COMMAND_ERROR_IS_FATAL ANY)
      execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE digests COMMAND_ERROR_IS_FATAL ANY)
      if(NOT digests MATCHES "^agreed [1-9].*\n.*\n.*\n")
        message(FATAL_ERROR "${compiler} -${level} prints no event logs:\n${digests}")
      endif()
      if(NOT DEFINED first)
        set(first "${digests}")
      elseif(NOT digests STREQUAL first)
        message(FATAL_ERROR "The event logs of ${compiler} -${level} differ from the first ones:\n${digests}\n${first}")
      endif()
    endforeach()
  endforeach()
  return()
endif()

find_program(SLAB_GXX g++)
file(GLOB digest_compilers /usr/bin/clang++-[0-9]*)
list(SORT digest_compilers COMPARE NATURAL ORDER DESCENDING)
list(SUBLIST digest_compilers 0 1 digest_compilers)
if(SLAB_GXX)
  list(APPEND digest_compilers ${SLAB_GXX})
endif()
set(digest_sources judge/digests.cpp judge/expectation.cpp judge/verdict.cpp memory/arena.cpp memory/contents.cpp
  subject/saboteur.cpp)
list(TRANSFORM digest_sources PREPEND ${PROJECT_SOURCE_DIR}/model/)
list(APPEND digest_sources ${slabproof_judge_at_full_speed})
add_test(NAME model.EventLog.IsTheSameFromEveryCompiler
  COMMAND ${CMAKE_COMMAND} "-DCOMPILERS=${digest_compilers}"
    "-DFLAGS=-I${PROJECT_SOURCE_DIR};-I${PROJECT_SOURCE_DIR}/allocator/include"
    "-DSOURCES=${digest_sources}" -DPROGRAM=${CMAKE_CURRENT_BINARY_DIR}/digests -P ${CMAKE_CURRENT_LIST_FILE})
set_tests_properties(model.EventLog.IsTheSameFromEveryCompiler PROPERTIES TIMEOUT 1200 COST 200)  # begun first
