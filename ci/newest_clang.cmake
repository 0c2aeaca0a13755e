# The newest installed clang that can link a fuzz target: sanitizer and libFuzzer runtimes are packages
# of their own, and a newer clang without them is of no use here.
# -DCMAKE_CXX_COMPILER=… or the environment's CXX is taken as it is.
if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  foreach(name clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14 clang++)
    find_program(newest_clang ${name} NO_CACHE)
    if(newest_clang)
      execute_process(COMMAND ${newest_clang} -print-resource-dir
        OUTPUT_VARIABLE resource_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
      file(GLOB_RECURSE fuzzer_runtime ${resource_dir}/lib/libclang_rt.fuzzer*.a)
      if(fuzzer_runtime)
        set(CMAKE_CXX_COMPILER ${newest_clang})
        string(REPLACE clang++ clang CMAKE_C_COMPILER ${newest_clang})
        break()
      endif()
    endif()
    unset(newest_clang)
  endforeach()
  if(NOT CMAKE_CXX_COMPILER)
    message(FATAL_ERROR "This preset needs clang 14 or newer with its sanitizer and libFuzzer runtimes. "
      "Run ci/setup, or install clang-19 and libclang-rt-19-dev (Debian: clang-14 and libclang-rt-14-dev).")
  endif()
endif()
