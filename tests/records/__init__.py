"""How well and how soon the training program reads digits: five seeds of a goal, and the page that says so."""
