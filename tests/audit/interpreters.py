"""A memoryview that is handed to another interpreter (3.14 and later): the module _interpreters acquires its view, and
libpython releases a copy of that."""

from concurrent import interpreters

data = bytearray(100)
for number in range(30):
    other = interpreters.create()
    other.prepare_main(view=memoryview(data))
    other.exec(f"view[0] = {number}")
    if number % 2:
        other.exec("del view")
    other.close()
print(data[0])
