# Each tool that the cache tells of its objects reports what it can see, and nothing else. Included by
# properties/CMakeLists.txt; run as a script (cmake -P) it is one of the tests.
if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${COMPILER} -std=c++20 -O1 -g ${FLAG} -I ${INCLUDE} ${SOURCE} -o ${PROGRAM}
    COMMAND_ERROR_IS_FATAL ANY)

  function(says policy misuse report)
    execute_process(COMMAND ${RUN} ${PROGRAM} ${policy} ${misuse} OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(NOT said MATCHES "${report}")
      message(SEND_ERROR "${policy}, ${misuse}: expected ${report}, and it said:\n${said}")
    endif()
  endfunction()

  set(freed_bytes read_freed_first read_freed_last write_freed_first write_freed_last write_padding)
  if(FLAG MATCHES "address")
    foreach(misuse IN LISTS freed_bytes ITEMS double_free)
      says(Unchecked ${misuse} "AddressSanitizer: (use-after-poison|unknown-crash)")
    endforeach()
    says(Unchecked leak "LeakSanitizer: detected memory leaks")
  elseif(FLAG MATCHES "memory")  # it reports a branch on the value, not a read and not a write
    foreach(misuse branch_on_new branch_on_freed_first branch_on_freed_last)
      says(Unchecked ${misuse} "MemorySanitizer: use-of-uninitialized-value")
    endforeach()
  else()
    foreach(misuse IN LISTS freed_bytes)
      string(REGEX MATCH "read|write" access ${misuse})
      says(Unchecked ${misuse} "Invalid ${access} of size 1")
    endforeach()
    says(Unchecked branch_on_new "depends on uninitialised value")
    says(Unchecked double_free "Invalid free\\(\\)")
    says(Unchecked leak "17 bytes in 1 blocks are definitely lost")
  endif()
  says(Checked double_free "misuse: DoubleFree")
  says(Checked leak "misuse: LiveAtDestruction")
  foreach(policy Checked Unchecked)
    says(${policy} nothing "^done\n$")
  endforeach()
  return()
endif()

function(tool name compiler flag)
  add_test(NAME Poison.${name}.ReportsWhatItCanSeeAndNothingElse
    COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} -DFLAG=${flag} -DINCLUDE=${PROJECT_SOURCE_DIR}/allocator/include
      "-DRUN=${ARGN}"
      -DSOURCE=${CMAKE_CURRENT_LIST_DIR}/poison_victim.cpp -DPROGRAM=${CMAKE_CURRENT_BINARY_DIR}/poison_victim.${name}
      -P ${CMAKE_CURRENT_LIST_DIR}/poison.cmake)
endfunction()

foreach(compiler IN LISTS freestanding_compilers)
  cmake_path(GET compiler FILENAME name)
  tool(asan.${name} ${compiler} -fsanitize=address)
  if(name MATCHES clang)
    tool(msan.${name} ${compiler} -fsanitize=memory)
  endif()
endforeach()
find_program(SLAB_VALGRIND_PROGRAM valgrind)
if(SLAB_VALGRIND_PROGRAM AND SLAB_GXX)
  tool(valgrind ${SLAB_GXX} -DSLAB_VALGRIND ${SLAB_VALGRIND_PROGRAM} --quiet --leak-check=full)
endif()
