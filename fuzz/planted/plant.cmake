#   plant_bugs(TARGET SCRIPT FROM TO [SOURCE...])
# Copies of the headers in the folder FROM with all bugs of SCRIPT, which is made of the SOURCES too, in the folder TO,
# once TARGET is built. Each includes one more that lies there, and says which bug is at work.
function(plant_bugs target script from to)
  file(GLOB headers ${from}/*.hpp)
  add_custom_command(OUTPUT ${to}/planted.hpp
    COMMAND python3 -B ${script} ${from} ${to}
    DEPENDS ${headers} ${script} ${PROJECT_SOURCE_DIR}/fuzz/planted/edits.py ${ARGN} VERBATIM)
  add_custom_target(${target} DEPENDS ${to}/planted.hpp)
endfunction()
