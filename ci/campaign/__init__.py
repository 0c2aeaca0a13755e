"""A campaign of ci/fuzz: what it does before, during and after fuzzing, and what it keeps in fuzz-out.

The engines are in engines/, the handling of failing inputs in crashes/, the page of --report in report/.
"""
