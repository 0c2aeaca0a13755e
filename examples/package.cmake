# The CMake package as somebody else uses it: the program of consumer/, on the sources and on what is
# installed. Included by examples/CMakeLists.txt; run as a script (cmake -P) it is one of the tests.
if(CMAKE_SCRIPT_MODE_FILE AND SOURCE)
  # As on a machine that has cmake and a compiler, and nothing that the harness needs.
  set(bare ${CMAKE_COMMAND} --fresh -S ${SOURCE} -B ${FOLDER}/bare -DCMAKE_CXX_COMPILER=${COMPILER})
  foreach(package GTest rapidcheck Boost)
    list(APPEND bare -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
  endforeach()
  execute_process(COMMAND ${bare} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
  if(NOT said MATCHES "without its harness, which needs GTest, rapidcheck \\(")
    message(FATAL_ERROR "nothing is said of the harness that is left out: ${said}")
  endif()
  file(REMOVE_RECURSE ${FOLDER}/bare-installed)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${FOLDER}/bare COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${FOLDER}/bare --prefix ${FOLDER}/bare-installed
    COMMAND_ERROR_IS_FATAL ANY)
  foreach(file include/slab/slab.hpp include/slab/hosted/backend.hpp share/cmake/slab/slabConfig.cmake
    share/doc/slab/LICENSE)
    if(NOT EXISTS ${FOLDER}/bare-installed/${file})
      message(FATAL_ERROR "${file} is not installed")
    endif()
  endforeach()
  foreach(bench OFF ON)  # Boost is measured, and nothing else needs it
    execute_process(COMMAND ${bare} -DSLAB_HARNESS=ON -DSLAB_BENCH=${bench} ERROR_VARIABLE said RESULT_VARIABLE code)
    string(REGEX REPLACE "[ \n]+" " " said "${said}")
    string(REPLACE ON ", Boost" boost "${bench}")
    string(REPLACE OFF "" boost "${boost}")
    if(code EQUAL 0 OR NOT said MATCHES "needs GTest, rapidcheck${boost}\\. On Debian ci/setup, or")
      message(FATAL_ERROR "a harness that is wanted, and cannot be built, is not refused: ${said}")
    endif()
  endforeach()
  return()
elseif(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${README} readme)
  file(READ ${PROGRAM} program)
  string(FIND "${readme}" "```cpp\n${program}```\n" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "${README} does not show ${PROGRAM} as it is")
  endif()
  if(NOT readme MATCHES "This is version ${VERSION} .*find_package\\(slab ${MINOR_VERSION}\\)")
    message(FATAL_ERROR "${README} does not name version ${VERSION}")
  endif()
  return()
endif()

set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/installed)

add_test(NAME Readme.ShowsTheConsumersProgramAndTheVersion
  COMMAND ${CMAKE_COMMAND} -DREADME=${PROJECT_SOURCE_DIR}/README.md -DPROGRAM=${consumer}/main.cpp
    -DVERSION=${PROJECT_VERSION} -DMINOR_VERSION=${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    -P ${CMAKE_CURRENT_LIST_FILE})
add_test(NAME Package.NeedsCMakeAndACompilerOnly
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}
    -DCOMPILER=${CMAKE_CXX_COMPILER}
    -P ${CMAKE_CURRENT_LIST_FILE})
add_test(NAME Package.IsInstalled COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix})
set_tests_properties(Package.IsInstalled PROPERTIES FIXTURES_SETUP package)

# The program is configured, built and run, and must print what it trimmed: a slab of each cache.
function(consumer_runs name)
  add_test(NAME Package.${name}
    COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${consumer} ${CMAKE_CURRENT_BINARY_DIR}/${name}
      --build-generator ${CMAKE_GENERATOR} --build-options -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} ${ARGN}
      --test-command consumer)
  set_tests_properties(Package.${name} PROPERTIES FIXTURES_REQUIRED package
    PASS_REGULAR_EXPRESSION "\n69632 bytes trimmed\n")
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
consumer_runs(FindPackage -DCMAKE_PREFIX_PATH=${prefix}
  -DWANTED_VERSION=${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
consumer_is_refused(9.9)  # too new
consumer_is_refused(0.0)  # an older minor version
