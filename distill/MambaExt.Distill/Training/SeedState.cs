using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Training;

/// <summary>One seed while it runs: its teacher, the students so far, and what is trained beside them. What an earlier session has done is read from the run folder.</summary>
internal sealed class SeedState : IDisposable
{
    private readonly DistillTask _task;
    private readonly string _folder;
    private readonly List<DistillPart> _behind;
    private readonly Dictionary<int, PatchMamba> _withoutTeacher = [];
    private ModuleTeacher? _teacher;
    private Progression? _progression;
    private PatchMamba? _single;

    /// <param name="task">Data and recipe</param>
    /// <param name="seed">Of weights and data order</param>
    /// <param name="folder">The run folder; parts that are done lie below its models</param>
    /// <param name="behind">Parts of this seed that are done</param>
    public SeedState(DistillTask task, int seed, string folder, IEnumerable<DistillPart> behind) => (_task, Seed, _folder, _behind) = (task, seed, folder, [.. behind]);

    public int Seed { get; }

    /// <summary>Means of the loss's parts in the latest epoch of a stage.</summary>
    public IReadOnlyDictionary<string, double> Terms { get; private set; } = new Dictionary<string, double>();

    /// <summary>The trained students of the group.</summary>
    public Progression Students => _progression ??= Restored();

    /// <summary>The trained teacher.</summary>
    public ModuleTeacher Teacher => _teacher ??= LoadTeacher();

    private DistillRecipe Recipe => _task.Recipe;

    /// <summary>Trains what a key asks for, if it is needed.</summary>
    public DistillPart Train(DistillKey key, ITrainingHost host, CancellationToken token)
    {
        DistillPart part = key.Part switch
        {
            DistillKey.Teacher => TrainTeacher(key, host, token),
            DistillKey.OfStudent => TrainStudent(key, host, token),
            DistillKey.WithoutTeacher => TrainWithoutTeacher(key, host, token),
            DistillKey.Single => TrainSingle(key, host, token),
            _ => new SeedEvaluation(_task, this).Run(host),
        };
        part = part with { seed = key.Seed, part = key.Part, student = key.Student };
        _behind.Add(part);
        return part;
    }

    /// <summary>Student t trained on the labels alone; null where none was.</summary>
    public PatchMamba? WithoutTeacher(int t) =>
        _withoutTeacher.TryGetValue(t, out PatchMamba? model) ? model
        : _behind.Any(p => p.part == DistillKey.WithoutTeacher && p.student == t && p.trained) ? _withoutTeacher[t] = ClassifierFiles.LoadMamba(PathOf(new DistillKey(Seed, DistillKey.WithoutTeacher, t)))
        : null;

    /// <summary>The single student; null where none was trained.</summary>
    public PatchMamba? Single => _single ??= _behind.Any(p => p.part == DistillKey.Single && p.trained) ? ClassifierFiles.LoadMamba(PathOf(new DistillKey(Seed, DistillKey.Single))) : null;

    public void Dispose()
    {
        _progression?.Dispose();
        _teacher?.Dispose();
        _single?.Dispose();
        foreach (PatchMamba model in _withoutTeacher.Values)
        {
            model.Dispose();
        }
    }

    private DistillPart TrainTeacher(DistillKey key, ITrainingHost host, CancellationToken token)
    {
        if (Recipe.teacher_from is { } other)
        {
            _teacher = Load(Path.Combine(other, "models", key.Folder));
            return new DistillPart { size = Recipe.TeacherSize, kept = true, held_out = Scores.Of(_task.HeldOut.Logits(_teacher.Of), _task.HeldOut.Labels) };
        }

        manual_seed(key.OwnSeed);
        nn.Module<Tensor, Tensor> model = Recipe.teacher == "resnet" ? new ResNetClassifier(Recipe.Residual, _task.Data.ClassCount) : new PatchMamba(Recipe.teacher_options);
        ViewImages images = _task.Train;
        var loss = new CrossEntropy(Recipe.teacher_smoothing);
        var task = new TrainingTask<StageBatch>
        {
            Model = model,
            Batches = new ShuffledBatches<StageBatch>(images.Count, Math.Min(Recipe.teacher_batch_size, images.Count), (ulong)key.OwnSeed, (epoch, samples) => StageBatch.Read(images, epoch, samples)),
            Loss = batch => loss.Of(new LossInputs(model.call(batch.Images)) { Labels = batch.Labels }),
            Weight = batch => batch.Samples.Length,
            Validate = () => Validation(model.call),
        };
        TrainingOutcome outcome = Trainer.Run(task, Recipe.teacher_training, host, token: token);
        Attach(host, key, model is PatchMamba mamba ? ClassifierFiles.Of(mamba, _task.Normalization, _task.Data.ClassNames) : ClassifierFiles.Of((ResNetClassifier)model, Recipe.Residual, _task.Normalization, _task.Data.ClassNames));
        _teacher = new ModuleTeacher(model, _task.Data.ClassCount, Recipe.TeacherFlops, owns: true);
        return Done(outcome) with
        {
            size = Recipe.TeacherSize,
            kept = true,
            held_out = Scores.Of(_task.HeldOut.Logits(_teacher.Of), _task.HeldOut.Labels),
        };
    }

    private DistillPart TrainStudent(DistillKey key, ITrainingHost host, CancellationToken token)
    {
        DistillPart[] before = [.. _behind.Where(p => p.part == DistillKey.OfStudent)];
        bool ended = before.Where(p => p.student < key.Student).GroupBy(p => p.student).Any(stage => !stage.Any(p => p.kept));
        if (ended || before.Any(p => p.student == key.Student && p.kept))
        {
            return new DistillPart();
        }

        PatchMambaOptions student = Recipe.Ladder()[key.Student - 1];
        student = student with { d_model = student.d_model << key.Try };
        bool reuse = Recipe.distill.reuse || key.Try > 0;
        Progression students = Students;
        StageResult stage = students.Train(student, key.OwnSeed, reuse, new TermHost(host, () => Terms = students.Terms), token);
        bool kept = Recipe.distill.accept is not { } least || stage.Gain >= least;
        DistillPart part = Done(stage.Outcome) with
        {
            size = student.Size,
            reuse = stage.Options.reuse > 0,
            kept = kept,
            scales = [stage.Student.PrefixScale, stage.Student.StudentScale],
            held_out = stage.HeldOut,
            gain = stage.Gain,
            adapter_parameters = stage.AdapterParameters,
        };
        if (kept)
        {
            students.Add(stage);
            Attach(host, key, ClassifierFiles.Of(stage.Student.Model, _task.Normalization, _task.Data.ClassNames));
        }
        else
        {
            stage.Student.Model.Dispose();
            if (key.Student == 1 && key.Try == Recipe.distill.tries - 1)
            {
                throw new InvalidOperationException(FormattableString.Invariant(
                    $"No student of seed {Seed} was kept: the last try, {student.Size}, gained {stage.Gain:0.####} nats of held-out likelihood over equal chances and {Recipe.distill.accept} are asked for; lower accept, or give larger students."));
            }
        }

        return part;
    }

    private DistillPart TrainWithoutTeacher(DistillKey key, ITrainingHost host, CancellationToken token)
    {
        if (key.Student > Students.Students.Count)
        {
            return new DistillPart();
        }

        // The same student, on the same draws for as many steps; its head reads nobody else's feature.
        PatchMambaOptions student = Students.Students[key.Student - 1].Model.Options with { reuse = 0 };
        DistillOptions options = Recipe.distill.Alone([new LossTerm("ce", 1)]);
        (PatchMamba model, DistillPart part) = Alone(key, student, null, options, host, token);
        _withoutTeacher[key.Student] = model;
        return part;
    }

    private DistillPart TrainSingle(DistillKey key, ITrainingHost host, CancellationToken token)
    {
        // A ladder that ended early may cost less than any single student does; then there is none.
        if (Recipe.SingleOf(Students.Students.Sum(s => Accounting.FlopCount.Total(s.Model.Options).flops)) is not { } student)
        {
            return new DistillPart();
        }

        DistillOptions options = Recipe.distill.Alone(LossTerm.Default) with { training = Recipe.distill.training with { learning_rate = Recipe.teacher_training.learning_rate } };
        (_single, DistillPart part) = Alone(key, student, Teacher, options, host, token);
        return part;
    }

    private (PatchMamba Model, DistillPart Part) Alone(DistillKey key, PatchMambaOptions student, ITeacher? teacher, DistillOptions options, ITrainingHost host, CancellationToken token)
    {
        // Not disposed: its one student goes on as the model of this part, and the caches of a progression without stages are empty.
        var alone = new Progression(_task.Train, _task.HeldOut, teacher, options, 1);
        StageResult stage = alone.Train(student, key.OwnSeed, false, new TermHost(host, () => Terms = alone.Terms), token);
        Attach(host, key, ClassifierFiles.Of(stage.Student.Model, _task.Normalization, _task.Data.ClassNames));
        return (stage.Student.Model, Done(stage.Outcome) with { size = student.Size, kept = true, held_out = stage.HeldOut });
    }

    private Validation Validation(Func<Tensor, Tensor> model)
    {
        Scores scores = Scores.Of(_task.HeldOut.Logits(model), _task.HeldOut.Labels);
        return new Validation(scores.accuracy / 100, scores.nll);
    }

    private ModuleTeacher LoadTeacher()
    {
        var key = new DistillKey(Seed, DistillKey.Teacher);
        return Load(Recipe.teacher_from is { } other ? Path.Combine(other, "models", key.Folder) : PathOf(key));
    }

    private ModuleTeacher Load(string folder)
    {
        nn.Module<Tensor, Tensor> model = Recipe.teacher == "resnet" ? ClassifierFiles.LoadResNet(folder) : ClassifierFiles.LoadMamba(folder);
        if (model is PatchMamba mamba && mamba.Options != Recipe.teacher_options)
        {
            throw new ArgumentException($"The teacher of '{folder}' is a {mamba.Options.Size} for {mamba.Options.classes} classes and this run has a {Recipe.teacher_options.Size} for {Recipe.teacher_options.classes}; take a run of the same data and teacher.");
        }

        return new ModuleTeacher(model, _task.Data.ClassCount, Recipe.TeacherFlops, owns: true);
    }

    private Progression Restored()
    {
        var students = new Progression(_task.Train, _task.HeldOut, Teacher, Recipe.distill, Recipe.Ladder().Count);
        foreach (DistillPart part in _behind.Where(p => p.part == DistillKey.OfStudent && p.kept))
        {
            PatchMamba model = ClassifierFiles.LoadMamba(PathOf(new DistillKey(Seed, DistillKey.OfStudent, part.student)));
            var trained = new TrainedStudent(model, part.scales![0], part.scales[1]);
            students.Add(students.Restore(trained, new TrainingOutcome(part.epochs, part.steps, part.best_epoch, null, part.seconds)));
        }

        return students;
    }

    private static DistillPart Done(TrainingOutcome outcome) =>
        new() { trained = true, epochs = outcome.Epochs, steps = outcome.Steps, best_epoch = outcome.BestEpoch, seconds = outcome.Seconds };

    private static void Attach(ITrainingHost host, DistillKey key, IReadOnlyList<(string Name, byte[] Content)> files)
    {
        foreach (var (name, content) in files)
        {
            host.Attach($"models/{key.Folder}/{name}", content);
        }
    }

    private string PathOf(DistillKey key) => Path.Combine(_folder, "models", key.Folder);
}
