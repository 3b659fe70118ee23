CREATE TABLE locations (code text COLLATE "C" PRIMARY KEY);
