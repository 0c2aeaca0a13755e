# The allocator as a kernel compiles it: no exceptions, RTTI, libc or floating point, no code before or
# after main, and nothing asked of the linker but four functions that every compiler asks for. Included by
# properties/CMakeLists.txt; run as a script (cmake -P) it is one of the tests.
if(CMAKE_SCRIPT_MODE_FILE AND HEADERS)
  # -include, because #pragma once is a warning in a main file.
  foreach(header IN LISTS HEADERS)
    execute_process(COMMAND ${COMPILER} ${FLAGS} -fsyntax-only -include ${header} -x c++ /dev/null
      COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  return()
elseif(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${COMPILER} ${FLAGS} -c ${SOURCE} -o ${OBJECT} COMMAND_ERROR_IS_FATAL ANY)
  # Constant geometries and run-time ones: only reserve() divides. At -O0 compilers divide by constants.
  if(NOT FLAGS MATCHES "-O0")
    execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn ${OBJECT} OUTPUT_VARIABLE code COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE ";" "," code "${code}")
    string(REPLACE "\n\n" ";" functions "${code}")
    list(FILTER functions EXCLUDE REGEX "^[0-9a-f]+ <[^>\n]*(reserve|make_slabs_for)")
    if(NOT functions MATCHES "<use_every_row>:[^;]*[ \t]ret" OR functions MATCHES "[ \t]i?div[a-z]*[ \t][^\n]*")
      message(FATAL_ERROR "no code, or a division: ${CMAKE_MATCH_0}")
    endif()
  endif()
  include(${CMAKE_CURRENT_LIST_DIR}/../../ci/freestanding_symbols.cmake)
  require_freestanding(${NM} DEFINES use_every_row OBJECTS ${OBJECT})
  return()
endif()

set(hosted_flags -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror
  -I ${PROJECT_SOURCE_DIR}/allocator/include)
set(freestanding_flags ${hosted_flags} -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics
  -fno-use-cxa-atexit -fno-stack-protector
  -fno-pic -fno-pie -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone -mcmodel=kernel
  -mgeneral-regs-only)
set(freestanding_headers ${slab_headers})
list(FILTER freestanding_headers EXCLUDE REGEX "/hosted/slab/hosted/")

# g++ and every clang that is installed.
find_program(SLAB_GXX g++)
file(GLOB freestanding_compilers /usr/bin/clang++-[0-9]*)
if(SLAB_GXX)
  list(PREPEND freestanding_compilers ${SLAB_GXX})
endif()
# Sets `name`, the compiler's, and `flags`, with which it compiles as for a kernel.
function(name_and_flags_of compiler)
  cmake_path(GET compiler FILENAME name)
  set(flags ${freestanding_flags})
  if(name MATCHES clang)
    list(APPEND flags -mno-sse -mno-sse2 -mno-mmx)
  endif()
  return(PROPAGATE name flags)
endfunction()
foreach(compiler IN LISTS freestanding_compilers)
  name_and_flags_of(${compiler})
  foreach(level O0 O2)
    add_test(NAME Freestanding.${name}.${level}.AsksTheLinkerForNothingAndDividesOnlyToReserve
      COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} "-DFLAGS=${flags};-${level}" -DNM=${CMAKE_NM}
        -DOBJDUMP=${CMAKE_OBJDUMP}
        -DSOURCE=${CMAKE_CURRENT_LIST_DIR}/freestanding.cpp
        -DOBJECT=${CMAKE_CURRENT_BINARY_DIR}/freestanding.${name}.${level}.o -P ${CMAKE_CURRENT_LIST_FILE})
  endforeach()
  add_test(NAME Freestanding.${name}.EveryHeaderCompilesAlone
    COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} "-DFLAGS=${flags}" "-DHEADERS=${freestanding_headers}"
      -P ${CMAKE_CURRENT_LIST_FILE})
  set(flags_with_hosted ${hosted_flags} -I ${PROJECT_SOURCE_DIR}/allocator/hosted)
  add_test(NAME Hosted.${name}.EveryHeaderCompilesAlone
    COMMAND ${CMAKE_COMMAND} -DCOMPILER=${compiler} "-DFLAGS=${flags_with_hosted}"
      "-DHEADERS=${slab_headers}" -P ${CMAKE_CURRENT_LIST_FILE})
endforeach()
