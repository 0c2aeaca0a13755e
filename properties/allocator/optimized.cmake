# What each compiler's optimiser makes of the cache: whether interrupts at every instruction are refused or served, and
# whom a report names. Included by properties/CMakeLists.txt; run as a script (cmake -P) it is one of the tests.
if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${COMPILER} -std=c++20 ${LEVEL} -I ${ROOT} -I ${ROOT}/allocator/include ${SOURCE}
    -o ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE said RESULT_VARIABLE result)
  message("${said}")
  if(NOT result EQUAL 0 OR NOT said MATCHES "(^|\n)(done\n$|SKIPPED: )")
    message(FATAL_ERROR "it ended with ${result}")
  endif()
  return()
endif()

function(optimized test program compiler level)
  cmake_path(GET compiler FILENAME name)
  add_test(NAME ${test}.${name}${level}
    COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} -DLEVEL=${level} -DROOT=${PROJECT_SOURCE_DIR}
      -DSOURCE=${CMAKE_CURRENT_LIST_DIR}/${program}.cpp -DPROGRAM=${CMAKE_CURRENT_BINARY_DIR}/${program}.${name}${level}
      -P ${CMAKE_CURRENT_LIST_DIR}/optimized.cmake)
  set_tests_properties(${test}.${name}${level} PROPERTIES TIMEOUT 300 SKIP_REGULAR_EXPRESSION "SKIPPED: ")
endfunction()

# These programs are the same in every build; those with a sanitizer leave them to the others.
if(NOT SLAB_SANITIZE)
  foreach(compiler IN LISTS kernel_compilers)
    optimized(Interrupts.AreServedOrReportedAndDamageNothing interrupt_test ${compiler} -O3)
    optimized(Interrupts.AreServedOrReportedAndDamageNothing interrupt_test ${compiler} -O0)
    optimized(Reports.NameTheCaller caller_test ${compiler} -O2)
  endforeach()
endif()
