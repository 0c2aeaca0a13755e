# How a subject is compiled and linked, as facts for the tests that --as-test writes
# (fuzz/replay/subject_test/how_compiled.hpp). For slabproof_add_subject().
include_guard(GLOBAL)

# Appends to the list `result` a fact for each file and name that is linked with `library`, a target or a name.
function(slabproof_linked_with library result)
  set(facts ${${result}})
  string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" library "${library}")
  set(type)
  if(TARGET ${library})
    get_target_property(type ${library} TYPE)
  endif()
  if(type MATCHES "^(STATIC|SHARED|UNKNOWN)_LIBRARY$")
    set(fact "library $<TARGET_FILE:${library}>")
  elseif(type STREQUAL OBJECT_LIBRARY)
    set(fact "library $<JOIN:$<TARGET_OBJECTS:${library}>,\nlibrary >")
  elseif(type)
    set(fact "# ${library}")  # of its own it has nothing
  elseif(library MATCHES "^[-/$]")
    set(fact "library ${library}")
  else()
    set(fact "library -l${library}")
  endif()
  if(NOT fact IN_LIST facts)
    list(APPEND facts ${fact})
    set(others)
    if(type)
      get_target_property(others ${library} INTERFACE_LINK_LIBRARIES)
    endif()
    foreach(other IN LISTS others)
      if(other)
        slabproof_linked_with(${other} facts)
      endif()
    endforeach()
  endif()
  set(${result} ${facts} PARENT_SCOPE)
endfunction()

# Gives NAME_replay a source with the facts. PARTS are the libraries of objects that the subject consists of; LIBRARIES
# are linked besides.
function(slabproof_note_compilation name)
  cmake_parse_arguments(PARSE_ARGV 1 noted "" "" "PARTS;LIBRARIES")
  cmake_path(GET CMAKE_CURRENT_FUNCTION_LIST_DIR PARENT_PATH root)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_compiled)
  if(CMAKE_CONFIGURATION_TYPES)
    string(APPEND file "_$<CONFIG>")
  endif()
  set(facts "root ${root}\ncommands ${file}.json\n")
  foreach(part IN LISTS noted_PARTS)
    string(APPEND facts "object $<JOIN:$<TARGET_OBJECTS:${part}>,\nobject >\n")
  endforeach()
  set(linked)
  foreach(library IN LISTS noted_LIBRARIES)
    slabproof_linked_with(${library} linked)
  endforeach()
  list(JOIN linked "\n" linked)
  # Also flags and files that the program was given besides, but not by us; and what the project says of all programs.
  set(given "$<FILTER:$<TARGET_PROPERTY:${name}_replay,LINK_LIBRARIES>,INCLUDE,^(-|/|SHELL:)>")
  set(ours "^(-fsanitize=fuzzer|LINKER:-u.slabproof_)")
  set(options "$<FILTER:$<TARGET_PROPERTY:${name}_replay,LINK_OPTIONS>,EXCLUDE,${ours}>")
  foreach(words IN ITEMS "${given}" "${options}")
    string(APPEND linked "\n$<$<BOOL:${words}>:library $<JOIN:${words},\nlibrary >>")
  endforeach()
  string(APPEND facts "${linked}\nlibrary SHELL:${CMAKE_EXE_LINKER_FLAGS}\n")
  file(GENERATE OUTPUT ${file}.cpp CONTENT
    "namespace slabproof {\nconst char* how_it_is_compiled() {\n  return R\"facts(${facts})facts\";\n}\n}\n")
  target_sources(${name}_replay PRIVATE ${file}.cpp)

  # What CMake writes goes by the project as it is configured last: with other flags by then, or, in the project of
  # ci/subject, with another subject. So that is kept which this program is made of.
  set_target_properties(${noted_PARTS} PROPERTIES EXPORT_COMPILE_COMMANDS ON)
  if(CMAKE_GENERATOR MATCHES "Ninja|Makefiles")  # others write none
    add_custom_command(TARGET ${name}_replay POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_BINARY_DIR}/compile_commands.json ${file}.json)
  endif()
endfunction()
