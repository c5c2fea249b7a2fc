-- Of the crash matrix: what kubectl clone --sql runs in a simulated database.
update customers set email = 'user' || id || '@masked.example';
