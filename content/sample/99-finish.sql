-- Takes the drawing tools away and tells the planner what is there.

set local client_min_messages = warning;
drop schema seed cascade;
analyze;
