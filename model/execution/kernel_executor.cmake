# The executor and the decoder as a kernel compiles them (docs/kernel.md has the flags): they ask the linker for nothing
# but what every compiler asks for, and for each program of the corpus they write the event log that the runner writes.
# Included by model/CMakeLists.txt; run as a script (cmake -P) it is the test.
if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${RUNNER} ${FOLDERS} OUTPUT_VARIABLE expected COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "\n" lines "${expected}")
  list(LENGTH lines programs)
  if(programs LESS 1000)
    message(FATAL_ERROR "only ${programs} programs: nothing was compared\n${expected}")
  endif()
  foreach(source kernel_executor decoder)
    execute_process(COMMAND ${COMPILER} ${FLAGS} -c ${SOURCE_OF_${source}} -o ${PROGRAM}.${source}.o
      COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/../../ci/freestanding --objects ${PROGRAM}.kernel_executor.o
    ${PROGRAM}.decoder.o COMMAND_ERROR_IS_FATAL ANY)
  # Where that code model has addresses: not in a position-independent program.
  execute_process(COMMAND ${COMPILER} -std=c++20 -O1 -w -DSLABPROOF_KERNEL -static -no-pie
    -I ${CMAKE_CURRENT_LIST_DIR}/../.. ${DIGESTS} ${PROGRAM}.kernel_executor.o
    ${PROGRAM}.decoder.o -o ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${PROGRAM} ${FOLDERS} OUTPUT_VARIABLE executed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT executed STREQUAL expected)
    file(WRITE ${PROGRAM}.runner "${expected}")
    file(WRITE ${PROGRAM}.executor "${executed}")
    execute_process(COMMAND diff ${PROGRAM}.runner ${PROGRAM}.executor OUTPUT_VARIABLE difference)
    message(FATAL_ERROR "The event logs of the runner (<) and of the executor (>) differ:\n${difference}")
  endif()
  return()
endif()

add_executable(event_digests execution/digests.cpp)
target_link_libraries(event_digests PRIVATE model)
foreach(target IN ITEMS fuzz_small_single_page fuzz_small_multi_page fuzz_large)
  list(APPEND program_folders ${PROJECT_SOURCE_DIR}/corpus/${target})
endforeach()
include(${PROJECT_SOURCE_DIR}/ci/kernel_code/kernel.cmake)
foreach(compiler IN LISTS digest_compilers)  # the newest clang, and g++
  name_and_flags_of(${compiler})
  list(APPEND flags -Wall -Wextra -Werror -I ${PROJECT_SOURCE_DIR} -I ${PROJECT_SOURCE_DIR}/allocator/include)
  if(name MATCHES clang)
    list(APPEND flags -O1)
  else()
    list(APPEND flags -O0)
  endif()
  add_test(NAME model.Executor.${name}.WritesTheRunnersEventLogsInAKernel
    COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} "-DFLAGS=${flags}"
      -DSOURCE_OF_kernel_executor=${CMAKE_CURRENT_LIST_DIR}/kernel_executor.cpp
      -DSOURCE_OF_decoder=${CMAKE_CURRENT_SOURCE_DIR}/program/decoder.cpp
      -DDIGESTS=${CMAKE_CURRENT_LIST_DIR}/digests.cpp -DRUNNER=$<TARGET_FILE:event_digests>
      "-DFOLDERS=${program_folders}" -DPROGRAM=${CMAKE_CURRENT_BINARY_DIR}/kernel_executor.${name}
      -P ${CMAKE_CURRENT_LIST_FILE})
  set_tests_properties(model.Executor.${name}.WritesTheRunnersEventLogsInAKernel PROPERTIES TIMEOUT 600)
endforeach()
