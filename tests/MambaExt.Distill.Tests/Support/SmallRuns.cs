using System.Security.Cryptography;
using MambaExt.Data.Images;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Distill.Training;
using MambaExt.Runs;
using MambaExt.Training;

namespace MambaExt.Distill.Tests.Support;

/// <summary>A run and what it left.</summary>
public sealed record Outcome(DistillTask Task, DistillExperiment Experiment, IReadOnlyList<DistillPart> Trainings, string Folder, string Metrics, string Models)
{
    /// <summary>Every training but for its seconds.</summary>
    public string Parts => System.Text.Json.JsonSerializer.Serialize(Trainings.Select(p => p with { seconds = 0 }));

    public DistillPart[] Of(string part) => [.. Trainings.Where(p => p.part == part)];

    public DistillPart[] Students(int t) => [.. Of(DistillKey.OfStudent).Where(p => p.student == t)];
}

/// <summary>Small experiments on the digits, in run folders that go when the tests end.</summary>
public sealed class SmallRuns : IDisposable
{
    public static ImageDataSet Digits { get; } = ImageDataSets.Load("digits");

    /// <summary>Between what the narrow and the wide second student gain.</summary>
    public const double Asked = 0.2;

    private readonly TemporaryFolder _folder = new();
    private Outcome? _free, _retried;
    private int _made;

    public static TrainingOptions Long { get; } = new() { epochs = 8, patience = 0, learning_rate = 0.01, schedule = "cosine", clip = 1, validate_every = 8 };

    /// <summary>Every student is kept.</summary>
    public Outcome Free => _free ??= Run(recipe => recipe);

    public Outcome Retried => _retried ??= Run(Demanding);

    public static DistillRecipe Accept(DistillRecipe recipe, double least, int tries) => recipe with { distill = recipe.distill with { accept = least, tries = tries } };

    /// <summary>The second student needs its second try, and the third has none that helps.</summary>
    public static DistillRecipe Demanding(DistillRecipe recipe) => Accept(recipe, Asked, 2) with
    {
        students = ["4x8x4x1", "4x6x2x1", "4x1x1x1", "4x8x4x1"],
        single = true,
        without_teacher = true,
    };

    /// <param name="change">Of the small recipe</param>
    /// <param name="path">Default a new one</param>
    /// <param name="stopAt">Cut in the first epoch that is reported of this training</param>
    /// <param name="resume">Go on in the folder</param>
    /// <param name="data">Default <see cref="Digits"/></param>
    public Outcome Run(Func<DistillRecipe, DistillRecipe> change, string? path = null, DistillKey? stopAt = null, bool resume = false, ImageDataSet? data = null)
    {
        path ??= Path.Combine(_folder.Path, $"{++_made}");
        TrainingOptions quick = Long with { epochs = 4, validate_every = 2 };
        DistillTask task = DistillTask.Prepare(data ?? Digits, change(DistillRecipes.For(Digits) with
        {
            teacher_options = new PatchMambaOptions().WithSize("4x12x4x1"),
            teacher_training = quick,
            students = ["4x8x4x1", "4x6x2x1"],
            draws = 2,
            single = false,
            without_teacher = false,
            distill = new DistillOptions { batch_size = 64, training = quick },
        }));
        int threads = Compute.Threads;
        Compute.Threads = 1;
        try
        {
            using var stop = new CancellationTokenSource();
            using RunFolder folder = resume ? RunFolder.Open(path) : new RunFolder(path);
            folder.WriteConfig(new { });
            var experiment = new Experiment<DistillKey, DistillPart>(folder, TimeSpan.FromHours(1));
            if (resume)
            {
                experiment.Resume();
            }

            var whole = new DistillExperiment(task, 1)
            {
                Epoch = (key, _) =>
                {
                    if (key == stopAt)
                    {
                        stop.Cancel();
                    }
                },
            };
            IReadOnlyList<DistillPart> parts = whole.Train(experiment, path, stop.Token);
            folder.Dispose();
            return new Outcome(task, whole, parts, path, File.ReadAllText(Path.Combine(path, "metrics.jsonl")), Digest(Path.Combine(path, "models")));
        }
        finally
        {
            Compute.Threads = threads;
        }
    }

    public void Dispose() => _folder.Dispose();

    private static string Digest(string folder) => string.Join('\n', Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(file => $"{Path.GetRelativePath(folder, file)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}"));
}
