module kflight/tests/go

go 1.25.0

require golang.org/x/exp v0.0.0-20260508232706-74f9aab9d74a
