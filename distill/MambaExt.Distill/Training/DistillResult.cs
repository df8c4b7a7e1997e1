namespace MambaExt.Distill.Training;

/// <summary>A model of the table: accuracy over seeds and what it costs.</summary>
/// <param name="accuracy">Percent, mean over seeds</param>
/// <param name="accuracy_std">Sample deviation; null for one seed</param>
/// <param name="flops">Operations an image</param>
/// <param name="flops_fraction">Of the teacher's</param>
/// <param name="parameters">Trainable numbers</param>
/// <param name="size">Its sizes, all of them where seeds differ; null for what has none</param>
/// <param name="latency_b1_us">Median time of one image, microseconds</param>
/// <param name="latency_b1_p95_us">95th percentile of that</param>
/// <param name="latency_b64_us">Median time of a batch of 64, microseconds</param>
/// <param name="latency_b64_p95_us">95th percentile of that</param>
/// <param name="latency">The same on one thread and on one a processor</param>
public sealed record ModelResult(
    double accuracy, double? accuracy_std, long flops, double flops_fraction, long parameters, string? size, double latency_b1_us, double latency_b1_p95_us, double latency_b64_us, double latency_b64_p95_us,
    IReadOnlyList<LatencyPoint> latency);

/// <summary>A prefix of the table.</summary>
public sealed record PrefixResult
{
    /// <summary>t.</summary>
    public int students { get; init; }

    /// <summary>Size of student t; all of them where seeds differ, and costs are then means.</summary>
    public string size { get; init; } = "";

    /// <summary>Percent, mean over seeds.</summary>
    public double accuracy { get; init; }

    /// <summary>Sample deviation; null for one seed.</summary>
    public double? accuracy_std { get; init; }

    /// <summary>Operations an image.</summary>
    public long flops { get; init; }

    /// <summary>Of the teacher's.</summary>
    public double flops_fraction { get; init; }

    /// <summary>Trainable numbers.</summary>
    public long parameters { get; init; }

    /// <summary>Student t alone, percent, mean over seeds.</summary>
    public double solo_accuracy { get; init; }

    /// <summary>Sample deviation of that.</summary>
    public double? solo_accuracy_std { get; init; }

    /// <summary>The same student trained without a teacher; null where none was.</summary>
    public double? without_teacher_accuracy { get; init; }

    /// <summary>Sample deviation of that.</summary>
    public double? without_teacher_accuracy_std { get; init; }

    /// <summary>Operations an image of student t alone.</summary>
    public long solo_flops { get; init; }

    /// <summary>Refitted weight of student t in this prefix, mean over seeds.</summary>
    public double weight { get; init; }

    /// <summary>The prefix as its mode combines it, without refit.</summary>
    public double own_accuracy { get; init; }

    /// <summary>Mean negative log-likelihood of the labels.</summary>
    public double nll { get; init; }

    /// <summary>Expected calibration error, percent.</summary>
    public double ece { get; init; }

    /// <summary>Share of images answered as the teacher answers them, percent.</summary>
    public double agreement { get; init; }

    /// <summary>Mean KL(teacher || prefix).</summary>
    public double kl { get; init; }

    /// <summary>Median time of one image, microseconds, cumulative over the prefix.</summary>
    public double latency_b1_us { get; init; }

    /// <summary>95th percentile of that.</summary>
    public double latency_b1_p95_us { get; init; }

    /// <summary>Median time of a batch of 64, microseconds.</summary>
    public double latency_b64_us { get; init; }

    /// <summary>95th percentile of that.</summary>
    public double latency_b64_p95_us { get; init; }

    /// <summary>Median time of one image by student t alone, microseconds; what reads the feature of the one before pays for it.</summary>
    public double solo_latency_b1_us { get; init; }

    /// <summary>95th percentile of that.</summary>
    public double solo_latency_b1_p95_us { get; init; }

    /// <summary>Median time of a batch of 64 by student t alone, microseconds.</summary>
    public double solo_latency_b64_us { get; init; }

    /// <summary>95th percentile of that.</summary>
    public double solo_latency_b64_p95_us { get; init; }

    /// <summary>Times of the prefix on one thread and on one a processor.</summary>
    public IReadOnlyList<LatencyPoint> latency { get; init; } = [];

    /// <summary>Times of student t alone on one thread and on one a processor.</summary>
    public IReadOnlyList<LatencyPoint> solo_latency { get; init; } = [];
}

/// <summary>Result of an experiment; the keys of <c>distill run --json</c>.</summary>
/// <param name="dataset">Name</param>
/// <param name="variant">Official files or others</param>
/// <param name="mode">How students join</param>
/// <param name="flops_convention">What an operation is</param>
/// <param name="teacher">The teacher</param>
/// <param name="prefixes">Prefix 1 ... T; a prefix that not every seed has is left out</param>
/// <param name="single_student">One student of the group's FLOPs by plain distillation; null where none was trained</param>
/// <param name="right_then_wrong">Share of images that some prefix gets right and a later one wrong, percent</param>
/// <param name="early_exit">Thresholds chosen on held-out images; mean over seeds</param>
/// <param name="runs">Every training</param>
/// <param name="test_reads">How often the test images were read: once a seed</param>
/// <param name="run_dir">The run folder</param>
public sealed record DistillResult(
    string dataset, string variant, string mode, string flops_convention, ModelResult teacher, IReadOnlyList<PrefixResult> prefixes, ModelResult? single_student,
    double right_then_wrong, IReadOnlyList<Inference.ExitPoint> early_exit, IReadOnlyList<DistillPart> runs, int test_reads, string run_dir)
{
    /// <summary>Threads that the times named b1 and b64 were measured on: the run's own.</summary>
    public int latency_threads { get; init; }
}
