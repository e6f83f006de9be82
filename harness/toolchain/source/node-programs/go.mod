module meshproof/node-programs

go 1.24
