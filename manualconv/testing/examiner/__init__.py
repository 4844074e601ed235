"""``manualconv check``: an implementation that somebody else wrote, examined law by law in a process of its own.

target      what is examined: found by its name, adapted to torch's signature
features    what a call needs of an implementation, and which of it there is
laws        what is asked of any operation
judgement   the definitions' answers, in a process that the target does not share
patient     the process in which laws and target run
examination starts, times and restarts it
failures    shrunk, put into words, written as a script
report      verdicts as lines and as JSON
"""
