using MambaExt.Native;

namespace MambaExt.Tests.Native;

public sealed class QuarantineTests
{
    private readonly List<nint> _freed = [];
    private long _now;

    [Fact]
    public void A_handle_waits_for_its_age_and_goes_in_turn_two_a_newcomer()
    {
        Quarantine q = Make(least: 2, age: 1000, most: 100);
        Add(q, 1, 5);
        _now = 999;
        Add(q, 6, 7);
        Assert.Empty(_freed);
        _now = 1000;
        q.Add(8);
        Assert.Equal([1, 2], _freed);
        q.Add(9);
        Assert.Equal([1, 2, 3, 4], _freed);

        // 6 came at 999, and is not due before 1999.
        q.Add(10);
        Assert.Equal([1, 2, 3, 4, 5], _freed);
        Assert.Equal((5, 5L), (q.Held, q.Released));
    }

    [Fact]
    public void The_newest_are_kept_whatever_their_age()
    {
        Quarantine q = Make(least: 3, age: 10, most: 100);
        Add(q, 1, 3);
        _now = 1_000_000;
        q.Add(4);
        Assert.Equal([1], _freed);
        Assert.Equal(3, q.Held);
    }

    [Fact]
    public void Beyond_the_most_the_oldest_goes_early()
    {
        Quarantine q = Make(least: 10, age: 1000, most: 3000);
        Add(q, 1, 3000);
        Assert.Empty(_freed);
        Add(q, 3001, 10_000);
        Assert.Equal(Enumerable.Range(1, 7000).Select(i => (nint)i), _freed);
        Assert.Equal(3000, q.Held);
    }

    [Fact]
    public void It_grows_in_the_midst_of_its_round_and_keeps_the_order()
    {
        Quarantine q = Make(least: 10, age: 1, most: 1 << 16);
        Add(q, 1, 900);
        _now = 5;
        Add(q, 901, 1300);
        _now = 5;
        Add(q, 1301, 20_000);
        Assert.Equal(Enumerable.Range(1, 900).Select(i => (nint)i), _freed);
        _now = 10;
        Add(q, 20_001, 50_000);
        Assert.Equal(Enumerable.Range(1, _freed.Count).Select(i => (nint)i), _freed);
        Assert.Equal(50_000, _freed.Count + q.Held);
    }

    [Fact]
    public void Of_many_threads_each_handle_is_freed_once_and_none_is_lost()
    {
        const int Each = 50_000;
        var times = new int[(4 * Each) + 1];
        var q = new Quarantine(h => Interlocked.Increment(ref times[h]), () => Environment.TickCount64, least: 100, age: 0, most: 5000);
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(k => new Thread(() =>
        {
            for (int i = 1; i <= Each; i++)
            {
                q.Add((k * Each) + i);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(100, q.Held);
        Assert.Equal((4 * Each) - 100, q.Released);
        Assert.Equal((4 * Each) - 100, times.Count(t => t == 1));
        Assert.Equal(101, times.Count(t => t == 0));
    }

    private Quarantine Make(int least, long age, int most) => new(_freed.Add, () => _now, least, age, most);

    private static void Add(Quarantine q, int first, int last)
    {
        for (int i = first; i <= last; i++)
        {
            q.Add(i);
        }
    }
}
