# Locked: CPUs that take turns, in every order and at random, and the same with planted mistakes. Without sanitizers:
# there are millions of orders.
set(locked_sources every_order.cpp explore_locked.cpp minimize.cpp program.cpp random_programs.cpp turns.cpp world.cpp)
list(TRANSFORM locked_sources PREPEND locked/)
set(locked_planting ${PROJECT_SOURCE_DIR}/fuzz/planted/locked_edits.py)
set(locked_planted ${CMAKE_CURRENT_BINARY_DIR}/locked/planted)
plant_bugs(planted_locked_headers ${locked_planting} ${PROJECT_SOURCE_DIR}/allocator/include/slab
  ${locked_planted}/slab)
plant_bugs(planted_turn_headers ${locked_planting} ${CMAKE_CURRENT_SOURCE_DIR}/locked
  ${locked_planted}/properties/locked)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS locked)
add_executable(locked_explore ${locked_sources})
target_include_directories(locked_explore PRIVATE ${PROJECT_SOURCE_DIR}/allocator/include ${PROJECT_SOURCE_DIR})
add_executable(locked_explore_planted ${locked_sources})
add_dependencies(locked_explore_planted planted_locked_headers planted_turn_headers)
target_include_directories(locked_explore_planted PRIVATE ${locked_planted} ${PROJECT_SOURCE_DIR})
add_executable(locked_explore_ablated EXCLUDE_FROM_ALL ${locked_sources} ${PROJECT_SOURCE_DIR}/model/judge/ablation.cpp)
add_dependencies(locked_explore_ablated planted_locked_headers planted_turn_headers)
target_include_directories(locked_explore_ablated PRIVATE ${locked_planted} ${PROJECT_SOURCE_DIR})
target_compile_definitions(locked_explore_ablated PRIVATE SLABPROOF_ABLATION)
foreach(name locked_explore locked_explore_planted locked_explore_ablated)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -O2 -g1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
endforeach()
set(locked_finds ${PROJECT_SOURCE_DIR}/fuzz-out/locked)
add_test(NAME locked.EveryOrderOfSmallPrograms COMMAND locked_explore --output ${locked_finds})
add_test(NAME locked.RandomPrograms COMMAND locked_explore --random 100000 --output ${locked_finds})
set_tests_properties(locked.RandomPrograms PROPERTIES LABELS seeded)
add_test(NAME locked.ReplayAnswersToGoodAndBadFiles
  COMMAND python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/locked/replay_test.py $<TARGET_FILE:locked_explore>)
add_test(NAME locked.FindsPlantedMistakes
  COMMAND python3 -B ${locked_planting} --test $<TARGET_FILE:locked_explore_planted>)
set_tests_properties(locked.EveryOrderOfSmallPrograms locked.RandomPrograms locked.FindsPlantedMistakes
  PROPERTIES TIMEOUT 600)

# Real threads. ThreadSanitizer goes with no other sanitizer, so it is compiled without the harness.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND SLAB_SANITIZE)
  find_package(Threads REQUIRED)
  add_executable(locked_threads locked/threads.cpp)
  target_compile_features(locked_threads PRIVATE cxx_std_20)
  target_compile_options(locked_threads PRIVATE -fsanitize=thread -O1 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Werror)
  target_link_options(locked_threads PRIVATE -fsanitize=thread)
  target_include_directories(locked_threads PRIVATE ${PROJECT_SOURCE_DIR}/allocator/include ${PROJECT_SOURCE_DIR})
  target_link_libraries(locked_threads PRIVATE Threads::Threads)
  add_test(NAME locked.ThreadsDoNotRace COMMAND python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/locked/threads_test.py
    $<TARGET_FILE:locked_threads>)
  set_tests_properties(locked.ThreadsDoNotRace PROPERTIES TIMEOUT 300)
endif()
