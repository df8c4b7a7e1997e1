using MambaExt.Distill.Losses;
using MambaExt.Distill.Students;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// Progressive distillation: students t = 1 ... T, one stage each, against one teacher. A stage trains a student, fits the weights of its prefix on
/// held-out images and says how much was gained; whoever drives the stages keeps the student by <see cref="Add"/> or lets it go.
/// </summary>
public sealed class Progression : IDisposable
{
    private readonly DrawnImages _images;
    private readonly HeldOut _heldOut;
    private readonly ITeacher? _teacher;
    private readonly DistillOptions _options;
    private readonly int _rounds;
    private readonly PrefixLogits _prefix;
    private readonly List<float[]> _logits = [];
    private readonly List<double[]> _weights = [];
    private double _before;

    /// <summary>Nothing is computed yet.</summary>
    /// <param name="images">Training images</param>
    /// <param name="heldOut">Images of the same kind that neither teacher nor students are trained on</param>
    /// <param name="teacher">Null trains students on the labels alone; not disposed</param>
    /// <param name="options">Mode, losses, training</param>
    /// <param name="rounds">T, students that are planned</param>
    /// <exception cref="ArgumentException">Options are out of range, or the teacher has other classes than the images.</exception>
    public Progression(DrawnImages images, HeldOut heldOut, ITeacher? teacher, DistillOptions options, int rounds)
    {
        options.Validate();
        options.ValidateFor(images.Count);
        if (teacher is not null && teacher.Classes != images.Classes)
        {
            throw new ArgumentException($"The teacher has {teacher.Classes} classes and the images {images.Classes}; take a teacher that was trained on the same classes.");
        }

        Mode = StageMode.Of(options.mode, options.clip_logits);
        if (teacher is null && (!Mode.TakesLosses || options.losses.Any(loss => loss.NeedsTeacher)))
        {
            throw new ArgumentException($"Mode {Mode.Name} with the losses {string.Join(", ", options.losses.Select(l => l.name))} compares with a teacher and there is none; give one, or mode joint or independent with the loss ce alone.");
        }

        if (Mode.NeedsNumberedDraws && images.Draws == 0)
        {
            throw new ArgumentException($"Mode {Mode.Name} weighs all samples against one another and needs augmentation by numbered draws; give their number.");
        }

        (_images, _heldOut, _teacher, _options, _rounds) = (images, heldOut, teacher, options, rounds);
        _prefix = new PrefixLogits(images, Mode);
        _before = Math.Log(images.Classes);
    }

    /// <summary>How students join.</summary>
    public StageMode Mode { get; }

    /// <summary>Students that were kept.</summary>
    public IReadOnlyList<TrainedStudent> Students => _prefix.Students;

    /// <summary>What they say together of every draw that was asked for.</summary>
    internal PrefixLogits Prefix => _prefix;

    /// <summary>Row t - 1 holds the t weights of prefix t.</summary>
    public IReadOnlyList<double[]> Weights => _weights;

    /// <summary>Means of the loss's parts in the epoch that was reported last.</summary>
    public IReadOnlyDictionary<string, double> Terms { get; private set; } = new Dictionary<string, double>();

    /// <summary>Trains the next student.</summary>
    /// <param name="student">Its sizes; what its head reads of the student before is set here</param>
    /// <param name="seed">Of its weights and of the order of the data</param>
    /// <param name="reuse">Whether its head reads the feature of the student before</param>
    /// <param name="host">Progress and checkpoints; default none</param>
    /// <param name="token">Asked after each step</param>
    public StageResult Train(PatchMambaOptions student, int seed, bool reuse, ITrainingHost? host = null, CancellationToken token = default)
    {
        TrainedStudent? last = Students.Count > 0 ? Students[^1] : null;
        student = student with { reuse = reuse && last is not null ? last.Model.Options.d_model : 0, distillation_head = _options.distillation_head };
        manual_seed(seed);
        using DisposeScope scope = NewDisposeScope();
        using var training = new StageTraining(student, this);
        var task = new TrainingTask<StageBatch>
        {
            Model = training.Module,
            Batches = new ShuffledBatches<StageBatch>(_images.Count, Math.Min(_options.batch_size, _images.Count), (ulong)seed, (epoch, samples) => StageBatch.Read(_images, epoch, samples)),
            Loss = training.Loss,
            Weight = batch => batch.Samples.Length,
            Undecayed = StageModule.Undecayed,
            Validate = () =>
            {
                Scores scores = Scores.Of(_heldOut.Logits(training.Answer), _heldOut.Labels);
                return new Validation(scores.accuracy / 100, scores.nll);
            },
            Describe = batch => $"student {student.Size}, samples {string.Join(' ', batch.Samples.Take(4))} ...",
        };
        TrainingOutcome outcome = Trainer.Run(task, _options.training, new TermHost(host ?? new TransientHost(), () => Terms = training.Module.Terms()), token: token);
        TrainedStudent trained = training.Finish();
        return Judge(trained, student, training.AdapterParameters, outcome);
    }

    /// <summary>A student that was trained before, as its stage left it.</summary>
    public StageResult Restore(TrainedStudent student, TrainingOutcome outcome) => Judge(student, student.Model.Options, 0, outcome);

    /// <summary>Keeps a student: it is a part of every prefix from here on, and disposed with this.</summary>
    public void Add(StageResult stage)
    {
        _prefix.Add(stage.Student);
        _logits.Add(stage.HeldOutLogits);
        _weights.Add(stage.Weights);
        _before = stage.HeldOut.nll;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _prefix.Dispose();
        foreach (TrainedStudent student in Students)
        {
            student.Model.Dispose();
        }
    }

    private StageResult Judge(TrainedStudent trained, PatchMambaOptions options, long adapters, TrainingOutcome outcome)
    {
        TrainedStudent? last = Students.Count > 0 ? Students[^1] : null;
        float[] own = _heldOut.Logits(images => trained.Logits(images, last));
        float[][] all = [.. _logits, own];
        (double[] weights, _) = PrefixRefit.Fit(all, _heldOut.Labels, _weights.Count > 0 ? _weights[^1] : null);
        Scores scores = Scores.Of(Mixture(all, weights), _heldOut.Labels);
        return new StageResult(trained, options, own, weights, scores, _before - scores.nll, adapters, outcome);
    }

    /// <summary>The weighted sum of logits, [M, K].</summary>
    internal static float[] Mixture(IReadOnlyList<float[]> logits, IReadOnlyList<double> weights)
    {
        var sum = new float[logits[0].Length];
        for (int i = 0; i < sum.Length; i++)
        {
            double value = 0;
            for (int u = 0; u < weights.Count; u++)
            {
                value += weights[u] * logits[u][i];
            }

            sum[i] = (float)value;
        }

        return sum;
    }

    /// <summary>One stage while it is trained.</summary>
    private sealed class StageTraining : IDisposable
    {
        private readonly Progression _owner;
        private readonly TrainedStudent? _last;
        private readonly List<(DistillationLoss Loss, double Weight)> _logitLosses, _featureLosses = [];
        private readonly StageFeatures? _features;

        // Of one draw, which an epoch stays with.
        private (int Draw, Tensor Weights)? _boost;

        public StageTraining(PatchMambaOptions student, Progression owner)
        {
            _owner = owner;
            _last = owner.Students.Count > 0 ? owner.Students[^1] : null;
            IReadOnlyList<LossTerm> terms = owner._options.losses;
            _logitLosses = [.. terms.Where(t => !t.OfFeatures).Select(t => (t.Create(), t.weight))];
            LossTerm[] features = [.. terms.Where(t => t.OfFeatures)];
            if (features.Length > 0)
            {
                using var probe = new PatchMamba(student);
                Dictionary<string, (long[] Student, long[] Teacher)> shapes = StageFeatures.Probe(probe, owner._teacher, features, owner._images);
                _featureLosses = [.. features.Select(t => (t.Create(shapes[t.Label].Student, shapes[t.Label].Teacher), t.weight))];
            }

            Module = new StageModule(
                student, _featureLosses.Select(l => l.Loss), [.. owner.Mode.Parts(owner.Students.Count + 1, [.. _logitLosses.Select(l => l.Loss.Name)]), .. _featureLosses.Select(l => l.Loss.Name)]);
            _features = features.Length > 0 ? new StageFeatures(Module.student, owner._teacher!, features) : null;
        }

        public StageModule Module { get; }

        public long AdapterParameters => _featureLosses.Sum(l => l.Loss.Adapter?.parameters().Sum(p => p.numel()) ?? 0);

        public Tensor Loss(StageBatch batch)
        {
            int t = _owner.Students.Count + 1;
            PatchMamba student = Module.student;
            Tensor? teacher = _owner._teacher?.Logits(_owner._images, batch.Samples, batch.Draw, batch.Images);
            _features?.Before(batch.Images);
            Tensor h = student.Features(batch.Images);
            Tensor? read = Reused(batch.Images), distillation = null;
            Tensor own, single;
            if (student.Options.distillation_head)
            {
                (single, distillation) = student.BothLogits(h, read);
                own = (single + distillation) / 2;
            }
            else
            {
                own = single = student.Logits(h, read);
            }

            Tensor? before = _owner._prefix.Rows(batch);
            var compared = new LossInputs(single) { Teacher = teacher, Labels = batch.Labels, Distillation = distillation, Epoch = batch.Epoch, Features = _features?.After() ?? new Dictionary<string, FeaturePair>() };
            var inputs = new StageInputs(t, own, compared, _logitLosses)
            {
                Before = before, Scales = Module.Scales, SoloWeight = _owner._options.lambda_solo, BoostWeights = Boost(batch, t), Samples = _owner._images.Count,
            };
            return Module.Sum([.. _owner.Mode.Loss(inputs), .. _featureLosses.Select(f => (f.Loss.Name, f.Weight, f.Loss.Of(compared)))], batch.Samples.Length, batch.Epoch);
        }

        /// <summary>What an epoch is chosen by: the student's own answer where its mode trains it as a classifier of its own, else that of the prefix with it. The prefix hardly
        /// tells a late student's epochs apart, and noise would keep one from a time when the student was half trained.</summary>
        public Tensor Answer(Tensor images)
        {
            Tensor own = Module.student.Logits(Module.student.Features(images), Reused(images));
            return _owner.Mode.TakesLosses ? own : _owner.Mode.Combine(Together(images), own, _owner.Students.Count + 1, Module.Scales);
        }

        public TrainedStudent Finish()
        {
            _features?.Dispose();
            Module.student.eval();
            float[] scales = Module.Scales.detach().data<float>().ToArray();
            return new TrainedStudent(Module.Release(), scales[0], scales[1]);
        }

        public void Dispose()
        {
            _features?.Dispose();
            _boost?.Weights.Dispose();
            Module.Dispose();
        }

        private Tensor? Reused(Tensor images)
        {
            if (Module.student.Options.reuse == 0)
            {
                return null;
            }

            using IDisposable _ = no_grad();
            return _last!.Model.Features(images);
        }

        private Tensor? Together(Tensor images)
        {
            Tensor? prefix = null;
            for (int t = 1; t <= _owner.Students.Count; t++)
            {
                TrainedStudent one = _owner.Students[t - 1];
                prefix = _owner.Mode.Combine(prefix, one.Logits(images, t > 1 ? _owner.Students[t - 2] : null), t, one.Scales());
            }

            return prefix;
        }

        private Tensor? Boost(StageBatch batch, int t)
        {
            if (_owner.Mode is not BoostedMode mode || t == 1)
            {
                return null;
            }

            using IDisposable _ = no_grad();
            if (_boost?.Draw != batch.Draw)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor teacher = _owner._teacher!.Whole(_owner._images, batch.Draw).clamp(-mode.Clip, mode.Clip), mean = _owner._prefix.Whole(batch.Draw)!;
                double eta = BoostWeights.Eta(_owner._images.Count, _owner._rounds, 2 * mode.Clip);
                _boost?.Weights.Dispose();
                _boost = (batch.Draw, BoostWeights.Of(teacher, mean, eta, t - 1).DetachFromDisposeScope());
            }

            return _boost!.Value.Weights.index_select(0, tensor(Array.ConvertAll(batch.Samples, i => (long)i)));
        }
    }
}
