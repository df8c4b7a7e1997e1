// torch has one random generator and one thread count a process: tests that train must not run beside one another.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
