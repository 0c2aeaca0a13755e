"""A campaign of ci/fuzz: what it does before, while and after it fuzzes, and what it keeps in fuzz-out.

The engines are in engines/, what becomes of failing inputs in crashes/, the page of --report in report/.
"""
