using System.Diagnostics;
using System.Text;

namespace MambaExt.Cli.Tests.Support;

/// <summary>A command in a process of its own that a test may end at any moment.</summary>
internal sealed class CliProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly StringBuilder _out = new(), _error = new();

    public CliProcess(string[] args, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = CliRun.Start(args);
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _process.StandardInput.Close();
        _process.OutputDataReceived += (_, line) => Add(_out, line.Data);
        _process.ErrorDataReceived += (_, line) => Add(_error, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool Running => !_process.HasExited;

    /// <summary>Waits, reading again and again, until <paramref name="holds"/> or the process has ended.</summary>
    public bool Until(Func<bool> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (_process.HasExited)
            {
                return holds();
            }

            Assert.True(clock.Elapsed < Limit, "the process takes too long");
            Thread.Sleep(0);
        }

        return true;
    }

    /// <summary>As <c>kill -9</c> does.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Sends INT or TERM.</summary>
    public void Signal(string name) => Process.Start("kill", ["-" + name, $"{_process.Id}"]).WaitForExit();

    public Answer Wait()
    {
        Assert.True(_process.WaitForExit(Limit), "the process takes too long");
        _process.WaitForExit();
        return new Answer(_process.ExitCode, _out.ToString(), _error.ToString());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static void Add(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }
}
