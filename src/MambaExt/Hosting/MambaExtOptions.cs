namespace MambaExt.Hosting;

/// <summary>What a program that uses MambaExt as a service decides once, at its start. Binds to configuration, section "MambaExt" by habit.</summary>
public sealed class MambaExtOptions
{
    /// <summary>Threads of kernels and libtorch; 0 for <c>MAMBAEXT_THREADS</c>, else all processors.</summary>
    public int Threads { get; set; }

    /// <summary>Keep libtorch at one thread while the kernels use all: the same bytes at any number of threads.</summary>
    public bool Deterministic { get; set; }

    /// <summary>Where new run folders are made.</summary>
    public string RunsFolder { get; set; } = "runs";

    /// <summary>Where data sets lie; empty for <c>MAMBAEXT_DATA</c>.</summary>
    public string DataFolder { get; set; } = "";

    /// <summary>Least time between two checkpoints of a run; zero for one after every step.</summary>
    public TimeSpan CheckpointEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Under mpirun: all ranks share each training, instead of taking one of an experiment each.</summary>
    public bool DataParallel { get; set; }

    /// <summary>A sentence for each value that cannot be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (Threads is < 0 or > 1024)
        {
            yield return $"Threads is {Threads}; give 1 to 1024, or 0 for the default.";
        }

        if (string.IsNullOrWhiteSpace(RunsFolder))
        {
            yield return "RunsFolder is empty; give the folder in which runs are made.";
        }

        if (DataFolder.Length > 0 && !Directory.Exists(DataFolder))
        {
            yield return $"DataFolder is '{DataFolder}', which does not exist; give the folder that holds the data sets, or leave it empty.";
        }

        if (CheckpointEvery < TimeSpan.Zero)
        {
            yield return $"CheckpointEvery is {CheckpointEvery}; give zero (after every step) or more.";
        }
    }
}
