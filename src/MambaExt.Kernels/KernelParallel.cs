namespace MambaExt.Kernels;

/// <summary>Runs numbered tasks on a bounded number of threads. What is computed, and in which order it is summed, depends on the shape of the
/// work alone: the thread count changes who computes a number and how much one task takes, never which number.</summary>
internal static class KernelParallel
{
    /// <summary>Calls <paramref name="body"/> with 0 ... <paramref name="tasks"/> - 1; the caller's thread takes part.
    /// The first exception of a task is rethrown after all threads have stopped.</summary>
    public static void For(int tasks, int threads, Action<int> body) => For(tasks, threads, (task, _) => body(task));

    /// <summary>As the other, and tells the body which worker it runs on, 0 ... threads - 1: for scratch memory, never for results.</summary>
    public static void For(int tasks, int threads, Action<int, int> body)
    {
        int workers = Math.Min(tasks, threads);
        if (workers <= 1)
        {
            for (int task = 0; task < tasks; task++)
            {
                body(task, 0);
            }

            return;
        }

        int next = -1;
        Exception? failure = null;
        void Work(int worker)
        {
            try
            {
                for (int task; (task = Interlocked.Increment(ref next)) < tasks;)
                {
                    body(task, worker);
                }
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
                Interlocked.Exchange(ref next, tasks);
            }
        }

        using var done = new CountdownEvent(workers - 1);
        for (int i = 1; i < workers; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(worker => { Work(worker); done.Signal(); }, i, preferLocal: false);
        }

        Work(0);
        done.Wait();
        if (failure is not null)
        {
            throw new InvalidOperationException("A kernel task failed: " + failure.Message, failure);
        }
    }
}
