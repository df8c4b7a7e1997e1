using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using static TorchSharp.torch;

namespace MambaExt.Distill.Training;

/// <summary>How long an answer takes on this machine.</summary>
/// <param name="threads">Of our kernels and of libtorch</param>
/// <param name="batch">Images at once</param>
/// <param name="median_us">Median, microseconds</param>
/// <param name="p95_us">95th percentile of that</param>
public sealed record LatencyPoint(int threads, int batch, double median_us, double p95_us);

/// <summary>One image, and a batch of 64.</summary>
internal readonly record struct LatencyPair(Latency One, Latency Many)
{
    public const int Batch = 64, Rounds = 200, BatchRounds = 100;
}

/// <summary>Times of every model of a run at one number of threads.</summary>
/// <param name="Threads">Of our kernels and of libtorch</param>
/// <param name="Prefixes">Prefix 1 ... T of the saved group</param>
/// <param name="Alone">Student 1 ... T alone</param>
/// <param name="Teacher">The teacher</param>
/// <param name="Single">The single student; null where none was trained</param>
internal sealed record ModelLatencies(int Threads, IReadOnlyList<LatencyPair> Prefixes, IReadOnlyList<LatencyPair> Alone, LatencyPair Teacher, LatencyPair? Single)
{
    /// <summary>Times at the run's own number of threads, which comes first, at one thread and at one a processor.</summary>
    /// <param name="group">Folder of the group</param>
    /// <param name="teacher">Folder of the teacher</param>
    /// <param name="single">Folder of the single student; null where there is none</param>
    /// <param name="like">Size of an image</param>
    public static IReadOnlyList<ModelLatencies> Measure(string group, string teacher, string? single, PatchMambaOptions like)
    {
        (StudentGroup students, _) = GroupFolder.Load(group);
        using StudentGroup owned = students;
        (int threads, int torch) = (Compute.Threads, get_num_threads());
        try
        {
            return [.. new[] { threads, 1, Environment.ProcessorCount }.Distinct().Select(count =>
            {
                // The run's own number leaves libtorch as the run had it.
                set_num_threads(count == threads ? torch : count);
                Compute.Threads = count;
                return new ModelLatencies(
                    count, Pairs(GroupLatency.Of(students, 1, LatencyPair.Rounds), GroupLatency.Of(students, LatencyPair.Batch, LatencyPair.BatchRounds)),
                    Pairs(GroupLatency.Alone(students, 1, LatencyPair.Rounds), GroupLatency.Alone(students, LatencyPair.Batch, LatencyPair.BatchRounds)),
                    GroupLatency.OfFolder(teacher, like), single is null ? null : GroupLatency.OfFolder(single, like));
            })];
        }
        finally
        {
            set_num_threads(torch);
            Compute.Threads = threads;
        }
    }

    /// <summary>What one thread and all of them take for some model, without the run's own number where that is another.</summary>
    public static IReadOnlyList<LatencyPoint> Points(IReadOnlyList<ModelLatencies> all, Func<ModelLatencies, LatencyPair> of) =>
        [.. all.Where(m => m.Threads == 1 || m.Threads == Environment.ProcessorCount).OrderBy(m => m.Threads).SelectMany(m => new[]
        {
            new LatencyPoint(m.Threads, 1, of(m).One.median_us, of(m).One.p95_us), new LatencyPoint(m.Threads, LatencyPair.Batch, of(m).Many.median_us, of(m).Many.p95_us),
        })];

    private static IReadOnlyList<LatencyPair> Pairs(IReadOnlyList<Latency> one, IReadOnlyList<Latency> many) => [.. one.Zip(many, (a, b) => new LatencyPair(a, b))];
}
