# The CMake package as somebody else uses it: the program of consumer/, on the sources and on what is
# installed. Included by examples/CMakeLists.txt; run as a script (cmake -P) it is one of the tests.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${README} readme)
  file(READ ${PROGRAM} program)
  string(FIND "${readme}" "```cpp\n${program}```\n" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "${README} does not show ${PROGRAM} as it is")
  endif()
  return()
endif()

set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/installed)

add_test(NAME Readme.ShowsTheConsumersProgramAsItIs
  COMMAND ${CMAKE_COMMAND} -DREADME=${PROJECT_SOURCE_DIR}/README.md -DPROGRAM=${consumer}/main.cpp
    -P ${CMAKE_CURRENT_LIST_FILE})
add_test(NAME Package.IsInstalled COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix})
set_tests_properties(Package.IsInstalled PROPERTIES FIXTURES_SETUP package)

# The program is configured, built and run, and must print what it trimmed: a slab of each cache.
function(consumer_runs name)
  add_test(NAME Package.${name}
    COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${consumer} ${CMAKE_CURRENT_BINARY_DIR}/${name}
      --build-generator ${CMAKE_GENERATOR} --build-options -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} ${ARGN}
      --test-command consumer)
  set_tests_properties(Package.${name} PROPERTIES FIXTURES_REQUIRED package PASS_REGULAR_EXPRESSION "\n69632 bytes trimmed\n")
endfunction()

function(consumer_is_refused version)
  add_test(NAME Package.Version${version}IsRefused
    COMMAND ${CMAKE_COMMAND} --fresh -S ${consumer} -B ${CMAKE_CURRENT_BINARY_DIR}/refused_${version}
      -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DCMAKE_PREFIX_PATH=${prefix} -DWANTED_VERSION=${version})
  string(REPLACE " " "[ \n]+" sentence "package \"slab\" that is compatible with requested version \"${version}\"")
  set_tests_properties(Package.Version${version}IsRefused PROPERTIES FIXTURES_REQUIRED package
    PASS_REGULAR_EXPRESSION "${sentence}.*slabConfig.cmake, version: ${PROJECT_VERSION}\n")
endfunction()

consumer_runs(AddSubdirectory -DSLAB_SOURCE_DIR=${PROJECT_SOURCE_DIR})
consumer_runs(FindPackage -DCMAKE_PREFIX_PATH=${prefix} -DWANTED_VERSION=${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
consumer_is_refused(9.9)  # too new
consumer_is_refused(0.0)  # an older minor version
