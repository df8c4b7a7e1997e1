namespace MambaExt.Kernels.Cuda;

/// <summary>Time between two places of a stream, by the device's clock, to about half a microsecond.</summary>
public sealed unsafe class GpuTimer : IDisposable
{
    private readonly CudaDriver _driver;
    private readonly nint _context;
    private nint _start, _stop;

    internal GpuTimer(CudaDriver driver, nint context)
    {
        (_driver, _context) = (driver, context);
        using CudaContext current = new(driver, context);
        nint start, stop;
        driver.Check("cuEventCreate", driver.EventCreate(&start, 0));
        _start = start;
        driver.Check("cuEventCreate", driver.EventCreate(&stop, 0));
        _stop = stop;
    }

    /// <summary>Time runs from what the stream does next.</summary>
    public void Start(nint stream = 0) => Record(_start, stream);

    /// <summary>Time runs to the end of what was queued so far.</summary>
    public void Stop(nint stream = 0) => Record(_stop, stream);

    /// <summary>Waits for the end and gives the milliseconds in between.</summary>
    /// <exception cref="CudaException">Start or Stop was not called, or a kernel between them failed.</exception>
    public double Milliseconds()
    {
        using CudaContext current = new(_driver, _context);
        float elapsed;
        _driver.Check("cuEventSynchronize", _driver.EventSynchronize(_stop));
        _driver.Check("cuEventElapsedTime", _driver.EventElapsed(&elapsed, _start, _stop));
        return elapsed;
    }

    /// <summary>Gives both events back.</summary>
    public void Dispose()
    {
        using CudaContext current = new(_driver, _context);
        foreach (nint one in new[] { _start, _stop })
        {
            _ = one == 0 ? 0 : _driver.EventDestroy(one);
        }

        (_start, _stop) = (0, 0);
    }

    private void Record(nint one, nint stream)
    {
        using CudaContext current = new(_driver, _context);
        _driver.Check("cuEventRecord", _driver.EventRecord(one, stream));
    }
}
