# The formulas that z3 is given, compared with the allocator's own functions; without sanitizers: there are millions of
# points.
set(proofs ${CMAKE_CURRENT_SOURCE_DIR}/proofs)
set(proofs_out ${CMAKE_CURRENT_BINARY_DIR}/proofs)  # of the program with planted mistakes the headers too
add_custom_command(OUTPUT ${proofs_out}/proofs/formulas.hpp
  COMMAND ${CMAKE_COMMAND} -E make_directory ${proofs_out}/proofs
  COMMAND python3 -B ${proofs}/cpp.py ${proofs_out}/proofs/formulas.hpp
  DEPENDS ${proofs}/cpp.py ${proofs}/formulas.py ${proofs}/term.py VERBATIM)
add_custom_target(proved_formulas DEPENDS ${proofs_out}/proofs/formulas.hpp)
plant_bugs(proofs_planted_headers ${proofs}/planted.py ${PROJECT_SOURCE_DIR}/allocator/include/slab
  ${proofs_out}/planted/slab ${slab_headers})
foreach(name formulas_agree formulas_agree_planted)
  add_executable(${name} proofs/agree.cpp)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  target_include_directories(${name} PRIVATE ${proofs_out} ${PROJECT_SOURCE_DIR})
  add_dependencies(${name} proved_formulas)
endforeach()
target_include_directories(formulas_agree PRIVATE ${PROJECT_SOURCE_DIR}/allocator/include
  ${PROJECT_SOURCE_DIR}/allocator/hosted)
target_include_directories(formulas_agree_planted PRIVATE ${proofs_out}/planted)
add_dependencies(formulas_agree_planted proofs_planted_headers)
add_test(NAME proofs.FormulasAreWhatTheAllocatorComputes COMMAND formulas_agree)
add_test(NAME proofs.EveryLemma
  COMMAND python3 -B ${proofs}/prove.py --points 200000 --agreement $<TARGET_FILE:formulas_agree>)
set_tests_properties(proofs.EveryLemma PROPERTIES SKIP_REGULAR_EXPRESSION "z3 is not installed" TIMEOUT 1200)
add_test(NAME proofs.FindsPlantedMistakes
  COMMAND python3 -B ${proofs}/planted.py --test $<TARGET_FILE:formulas_agree_planted>)
set_tests_properties(proofs.FindsPlantedMistakes PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
set_tests_properties(proofs.EveryLemma proofs.FindsPlantedMistakes PROPERTIES PROCESSORS 2)
add_test(NAME proofs.ClaimsWhatZ3HasSaid COMMAND python3 -B ${proofs}/prove_test.py $<TARGET_FILE:formulas_agree>)
