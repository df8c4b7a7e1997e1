namespace MambaExt.Native;

/// <summary>
/// A queue in which native handles wait before they are freed, so that a call that still reads one reads what it should. A handle
/// waits for <c>least</c> later ones and for <c>age</c> milliseconds, whichever takes longer; <c>most</c> bounds the memory, and beyond
/// it the oldest go early. No thread of its own: each new handle frees at most two old ones, so a full queue empties in step with use.
/// </summary>
/// <param name="release">frees a handle</param>
/// <param name="milliseconds">a clock that never goes back</param>
/// <param name="least">handles that are kept whatever their age</param>
/// <param name="age">milliseconds for which a handle is kept</param>
/// <param name="most">handles that are kept at most</param>
internal sealed class Quarantine(Action<nint> release, Func<long> milliseconds, int least, long age, int most)
{
    private readonly Lock _gate = new();
    private Entry[] _ring = new Entry[Math.Min(most, 1024)];
    private int _first;
    private int _count;
    private long _released;

    /// <summary>Handles that wait now.</summary>
    public int Held
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>Handles that were freed so far.</summary>
    public long Released => Interlocked.Read(ref _released);

    /// <summary>Takes a handle that nobody will use in a new call. Any thread.</summary>
    public void Add(nint handle)
    {
        long now = milliseconds();
        nint one = 0, other = 0;
        lock (_gate)
        {
            if (_count == _ring.Length && !Grow())
            {
                one = Take();
            }

            _ring[(_first + _count) % _ring.Length] = new Entry(handle, now);
            _count++;
            one = one != 0 ? one : TakeIfDue(now);
            other = TakeIfDue(now);
        }

        Free(one);
        Free(other);
    }

    private bool Grow()
    {
        if (_ring.Length == most)
        {
            return false;
        }

        try
        {
            var larger = new Entry[Math.Min(most, 2L * _ring.Length)];
            int tail = _ring.Length - _first;
            Array.Copy(_ring, _first, larger, 0, tail);
            Array.Copy(_ring, 0, larger, tail, _first);
            (_ring, _first) = (larger, 0);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private nint TakeIfDue(long now) => _count > least && now - _ring[_first].Since >= age ? Take() : 0;

    private nint Take()
    {
        nint handle = _ring[_first].Handle;
        _first = (_first + 1) % _ring.Length;
        _count--;
        return handle;
    }

    private void Free(nint handle)
    {
        if (handle != 0)
        {
            release(handle);
            Interlocked.Increment(ref _released);
        }
    }

    private readonly record struct Entry(nint Handle, long Since);
}
