# slab::SizeClasses as a subject (examples/subjects/size_classes.cpp) with planted bugs, one at a time.
set(sizes_planted ${CMAKE_CURRENT_BINARY_DIR}/planted/size_classes)
plant_bugs(planted_size_headers ${CMAKE_CURRENT_SOURCE_DIR}/planted/size_class_edits.py
  ${PROJECT_SOURCE_DIR}/allocator/include/slab ${sizes_planted}/slab)
add_library(planted_sizes OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/examples/subjects/size_classes.cpp)
target_include_directories(planted_sizes BEFORE PRIVATE ${sizes_planted} ${PROJECT_SOURCE_DIR}/model/include)
target_link_libraries(planted_sizes PRIVATE model)
add_dependencies(planted_sizes planted_size_headers)
add_library(sizes_subject OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/examples/subjects/size_classes.cpp)
target_include_directories(sizes_subject PRIVATE ${PROJECT_SOURCE_DIR}/model/include)
target_link_libraries(sizes_subject PRIVATE model)
if(NOT SLAB_FUZZ)
  add_hosted_replay(sizes sizes_subject)  # for ci/mutants
  set_target_properties(sizes_replay PROPERTIES EXCLUDE_FROM_ALL ON)
  add_hosted_replay(sizes_planted planted_sizes)
  add_hosted_replay(sizes_ablated planted_sizes)
  target_sources(sizes_ablated_replay PRIVATE $<TARGET_OBJECTS:ablated_judge>)
  set_target_properties(sizes_ablated_replay PROPERTIES EXCLUDE_FROM_ALL ON)
  if(SLAB_SANITIZE)
    add_test(NAME sizes.FindsPlantedBugs COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/planted/subject_bugs.py
      --table size_class_edits --replay $<TARGET_FILE:sizes_planted_replay>)
    set_tests_properties(sizes.FindsPlantedBugs PROPERTIES TIMEOUT 600 PROCESSORS 2)
  endif()
endif()
