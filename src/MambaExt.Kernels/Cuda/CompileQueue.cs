namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Work that somebody will want soon, done in its order on a few threads that end when nothing waits. A program does not end within a piece
/// of work: the compiler's library would be torn down under it.
/// </summary>
internal sealed class CompileQueue
{
    private readonly Lock _gate = new();
    private readonly Queue<Action> _waiting = new();
    private readonly List<Thread> _running = [];
    private readonly int _most;
    private bool _ended;

    /// <param name="threads">How many work side by side, at most</param>
    public CompileQueue(int threads)
    {
        _most = threads;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
    }

    /// <summary>Takes a piece of work; it may not throw.</summary>
    public void Add(Action work)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            _waiting.Enqueue(work);
            if (_running.Count < _most)
            {
                var thread = new Thread(Work) { IsBackground = true, Name = "kernel compiler" };
                _running.Add(thread);
                thread.Start();
            }
        }
    }

    /// <summary>Begins nothing any more and waits for what has begun.</summary>
    public void End()
    {
        Thread[] last;
        lock (_gate)
        {
            _ended = true;
            _waiting.Clear();
            last = [.. _running];
        }

        Array.ForEach(last, thread => thread.Join());
    }

    private void Work()
    {
        while (true)
        {
            Action? next;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out next))
                {
                    _running.Remove(Thread.CurrentThread);
                    return;
                }
            }

            next();
        }
    }
}
