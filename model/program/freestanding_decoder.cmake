# The decoder as a kernel compiles it: it asks the linker for nothing but what every compiler asks for, so
# it allocates nothing. Included by model/CMakeLists.txt; run as a script (cmake -P) it is the test.
if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${COMPILER} ${FLAGS} -c ${SOURCE} -o ${OBJECT} COMMAND_ERROR_IS_FATAL ANY)
  include(${CMAKE_CURRENT_LIST_DIR}/../../ci/freestanding_symbols.cmake)
  require_freestanding(${NM} DEFINES "Decoder4next[^ ]*" OBJECTS ${OBJECT})
  return()
endif()

set(decoder_flags -std=c++20 -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-stack-protector
  -fno-pic -fno-pie -mno-red-zone -mcmodel=kernel -mgeneral-regs-only -Wall -Wextra -Werror
  -I ${PROJECT_SOURCE_DIR} -I ${PROJECT_SOURCE_DIR}/allocator/include)
find_program(SLAB_GXX g++)
file(GLOB decoder_compilers /usr/bin/clang++-[0-9]*)
foreach(compiler IN LISTS SLAB_GXX decoder_compilers)
  if(NOT compiler)
    continue()
  endif()
  cmake_path(GET compiler FILENAME name)
  foreach(level O0 O2)
    add_test(NAME model.Decoder.${name}.${level}.AsksTheLinkerForNothing
      COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} "-DFLAGS=${decoder_flags};-${level}" -DNM=${CMAKE_NM}
        -DSOURCE=${CMAKE_CURRENT_LIST_DIR}/decoder.cpp -DOBJECT=${CMAKE_CURRENT_BINARY_DIR}/decoder.${name}.${level}.o
        -P ${CMAKE_CURRENT_LIST_FILE})
  endforeach()
endforeach()
